/** Reports of studies whose judges are simulated, so that their skill, their habits and their attention are known. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StudyKind } from '@tunan/protocol/studies';
import { EvaluationError } from '../errors.ts';
import { seededRandom } from '../random.ts';
import type { JudgedStudy, Judgement } from './read-judgements.ts';
import { studyCsv } from './study-csv.ts';
import { studyPage } from './study-page.ts';
import { planStudy } from './study-plan.ts';
import { inattentive, reportStudy, type StudyReport } from './study-report.ts';
import { studyVerdicts } from './study-verdicts.ts';

interface Simulated {
  readonly judges: number;
  readonly texts: number;
  /** The chance to be right. */
  readonly skill: (judgement: { readonly place: number; readonly kind: StudyKind; readonly seconds: number }) => number;
  /** Share of judges who answer checks by chance. */
  readonly careless?: number;
  readonly seed?: number;
}

/** Enough for what is asked here. */
const RESAMPLES = { resamples: 200 };
const KINDS = ['news', 'poem'] as const;

function simulated({ judges, texts, skill, careless = 0, seed = 1 }: Simulated): JudgedStudy {
  const random = seededRandom(seed);
  const judgements: Judgement[] = [];
  for (let judge = 0; judge < judges; judge++) {
    const common = { judge: `J${judge}`, source: '=1+1', characters: [20] };
    for (let i = 0; i < texts; i++) {
      const text = (judge + i) % (2 * texts);
      const [kind, truth] = [KINDS[text % 2]!, text % 4 < 2 ? 'human' : 'machine'];
      const [place, seconds] = [i / (texts - 1), 4 * 2 ** (4 * random())];
      const right = random() < skill({ place, kind, seconds });
      const said = right ? truth : truth === 'human' ? 'machine' : 'human';
      const confidence = 1 + Math.floor(5 * random());
      judgements.push({
        ...{ ...common, text: `t${text}`, kind, truth, said, right, confidence },
        ...{ place, seconds, seenSeconds: seconds, check: false },
      });
    }
    const passes = judge >= careless * judges;
    judgements.push({
      ...{ ...common, text: 'c', kind: 'news', truth: 'human', said: 'human', right: passes, confidence: 3 },
      ...{ place: 0.5, seconds: 5, seenSeconds: 5, check: true },
    });
  }
  const plan = planStudy({ judges, each: texts, items: 2 * texts });
  return {
    judgements,
    judges: { joined: judges, finished: judges, left: 0 },
    study: {
      ...{ format: 1, id: 'abcdefghjk', title: { en: '<i>', zh: '<i>' }, by: 'x', consent: { en: '', zh: '' } },
      ...{ design: 'single', made: '2026-11-30T00:00:00Z', minutes: 1, readingRate: 1, shortestSeconds: 0 },
      booklets: [['a']],
    },
    key: {
      ...{ format: 1, study: 'abcdefghjk', model: '<script>m</script>', seed: 1, templates: {}, items: {}, plan },
      ...{ sampling: { temperature: 1, topP: 1, tries: 1, band: 0.2 }, texts: {} },
    },
  };
}

const report = (given: Simulated): StudyReport => reportStudy(simulated(given), RESAMPLES);

test('judges who guess are shown to be right in fewer than 55 %, and those who know are not', () => {
  const guessing = report({ judges: 60, texts: 40, skill: () => 0.5, seed: 4 });
  assert.equal(guessing.overall.judgements, 2_400);
  assert.match(studyVerdicts(guessing)[0]!.en, /^People are right in fewer than 55 of 100 cases/);
  assert.ok(guessing.overall.pLimit < 0.001 && Math.abs(guessing.overall.alpha!) < 0.05);
  const knowing = report({ judges: 30, texts: 30, skill: () => 0.7 });
  assert.match(studyVerdicts(knowing)[0]!.en, /^People tell the texts apart better/);
  assert.ok(knowing.overall.p < 1e-6);
  const few = report({ judges: 6, texts: 10, skill: () => 0.5 });
  assert.match(studyVerdicts(few)[0]!.en, /^Not shown either way yet: .* more judgements/);
  assert.ok(studyVerdicts(few).some(({ en }) => /6 judges and 15 texts are few/.test(en)));
  assert.ok(few.power.needed >= 818 && few.power.now < 0.3);
});

test('kinds stand apart, and effects of order and of time are found where they are and not where they are not', () => {
  const kinds = report({ judges: 40, texts: 30, skill: ({ kind }) => (kind === 'news' ? 0.5 : 0.8) });
  const [news, poem] = [kinds.kinds.news!.exact, kinds.kinds.poem!.exact];
  assert.ok(news.low < 0.5 && news.high > 0.5 && poem.low < 0.8 && poem.high > 0.8 && poem.low > news.high);
  const { slope: none } = report({ judges: 40, texts: 30, skill: () => 0.6, seed: 2 }).order;
  assert.ok(none!.low < 0 && none!.high > 0);
  const tired = report({ judges: 40, texts: 30, skill: ({ place }) => 0.9 - 0.3 * place }).order;
  assert.ok(
    tired.slope!.high < 0 && Math.abs(tired.slope!.value + 0.3) < 3 * tired.slope!.error,
    JSON.stringify(tired),
  );
  assert.equal(tired.parts.length, 4);
  const slow = report({ judges: 40, texts: 30, skill: ({ seconds }) => 0.5 + 0.1 * Math.log2(seconds / 4) }).time;
  assert.ok(slow.slope!.low > 0 && Math.abs(slow.slope!.value - 0.1) < 3 * slow.slope!.error, JSON.stringify(slow));
});

test('judges who fail at least half of their checks are left out, and shown apart', () => {
  const study = simulated({ judges: 20, texts: 20, skill: () => 0.6, careless: 0.25 });
  assert.equal(inattentive(study.judgements).size, 5);
  const told = reportStudy(study, RESAMPLES);
  assert.deepEqual([told.judges.excluded, told.overall.judgements, told.withExcluded.judgements], [5, 300, 400]);
  assert.deepEqual(told.checks, { shown: 20, passed: 15 });
  assert.throws(
    () => reportStudy(simulated({ judges: 3, texts: 4, skill: () => 1, careless: 1 })),
    (error: unknown) => error instanceof EvaluationError && error.code === 'EVALUATION_TOO_FEW_SAMPLES',
  );
});

test('one judge, one text and answers that are all alike make a report without numbers that are none', () => {
  for (const given of [
    { judges: 1, texts: 5 },
    { judges: 2, texts: 2 },
  ]) {
    const told = report({ ...given, skill: () => 1 });
    const json = JSON.stringify(told);
    assert.doesNotMatch(json.replace('"search":null', ''), /null/);
    assert.doesNotMatch(studyPage(told), /NaN|undefined|Infinity/);
  }
  const alone = report({ judges: 1, texts: 60, skill: () => 1 });
  assert.match(
    studyVerdicts(alone)[0]!.en,
    /^Not shown either way yet: 100\.0 % right/,
    'one judge stands for nobody else',
  );
});

test('the page runs no script of a title, and the table of judgements has no formula', () => {
  const study = simulated({ judges: 12, texts: 12, skill: () => 0.5 });
  const page = studyPage(reportStudy(study, RESAMPLES));
  assert.doesNotMatch(page, /<script|<i>/);
  const csv = studyCsv(study.judgements, inattentive(study.judgements));
  const [head, first] = csv.split('\r\n');
  assert.equal(
    head,
    'judge,text,kind,truth,said,right,confidence,place,seconds,seen_seconds,check,excluded,characters,source',
  );
  assert.match(first!, /^J0,t0,news,human,(human|machine),[01],[1-5],0\.0000,[\d.]+,[\d.]+,0,0,20,'=1\+1$/);
  assert.equal(csv.split('\r\n').length, 12 * 13 + 2);
});
