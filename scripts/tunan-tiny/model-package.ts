/**
 * A finished run as the folder that is shipped, `models/tunan-tiny`: weights in float16 and as a GGUF, tokenizer, adapters, card, what
 * it was trained on and how, and a manifest with the hash of every file. The checkpoint is held against the run's recipe, its own hashes
 * and the corpora before anything is written; the folder appears whole or not at all.
 */
import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { fileSha256Sync, makeFolder, UserMistake } from '@tunan/files';
import { exportGguf, exportHuggingFace } from '@tunan/inference';
import { loadAdapter, readModelConfig, requireBase, saveAdapter, sizesOf, weightsSha256 } from '@tunan/model';
import { readRun } from '@tunan/training';

export const NAME = 'tunan-tiny';
/** What a repository may be asked to hold. */
const MOST_BYTES = 90e6;
/** Lines of the log that are kept: steps evenly spread, and every evaluation. */
const LOG_LINES = 2_000;

export interface PackOptions {
  readonly run: string;
  readonly out: string;
  /** Corpora that the run's token shards were made of, in the order of the recipe. */
  readonly corpora: readonly string[];
  /** The recipe of the run as the repository has it. */
  readonly recipe: string;
  /** Names and folders. */
  readonly adapters: Readonly<Record<string, string>>;
  /** Markdown for the card, after what is said there by itself. */
  readonly card?: string | undefined;
  /** Files with figures (results.json, perplexity.json), by the name they get. */
  readonly scores: Readonly<Record<string, string>>;
  readonly version: string;
  /** Takes a run that has not reached its last step. */
  readonly unfinished: boolean;
  readonly mostBytes?: number;
}

class PackError extends UserMistake<
  'PACK_OTHER_RECIPE' | 'PACK_UNFINISHED' | 'PACK_OTHER_DATA' | 'PACK_TOO_LARGE' | 'PACK_OUTPUT'
> {}

interface StoredRun {
  readonly planHash: string;
  readonly plan: Record<string, unknown>;
  readonly extended?: readonly string[];
}

/** @throws PackError, and what reading the run throws; nothing is left behind then */
export function packModel(options: PackOptions): { readonly bytes: number; readonly step: number } {
  const { run, out } = options;
  if (existsSync(out)) throw fail('PACK_OUTPUT', `${out} is there already: move it away first`);
  const { checkpoint, step, plan } = readRun(run); // verifies the checkpoint's files
  requireRecipe(options, checkpoint);
  requireFinished(options, step, plan.steps);
  requireCorpora(options, checkpoint);
  const part = `${out}.part`;
  rmSync(part, { recursive: true, force: true });
  try {
    exportHuggingFace(checkpoint, part, 'f16');
    // Of the packed weights, so that the packed adapters know both forms by one hash.
    exportGguf(part, path.join(part, `${NAME}-q8_0.gguf`), { type: 'q8_0' });
    for (const [name, folder] of Object.entries(options.adapters)) packAdapter(name, folder, checkpoint, part);
    writeTraining(options, path.join(part, 'training'));
    writeFileSync(path.join(part, 'ATTRIBUTIONS.md'), attributions(options.corpora));
    writeFileSync(path.join(part, 'README.md'), card(options, checkpoint, step));
    writeJson(path.join(part, 'package.json'), packageJson(options.version));
    const files = filesBelow(part);
    writeJson(path.join(part, 'manifest.json'), {
      format: 'tunan-shipped-model',
      name: NAME,
      version: options.version,
      step,
      tokens: stateOf(checkpoint).tokens,
      planHash: stateOf(checkpoint).planHash,
      adapters: Object.keys(options.adapters).sort(),
      files: Object.fromEntries(files.map((file) => [file, fileSha256Sync(path.join(part, file))])),
    });
    const bytes = filesBelow(part).reduce((sum, file) => sum + statSync(path.join(part, file)).size, 0);
    const most = options.mostBytes ?? MOST_BYTES;
    if (bytes > most) {
      throw fail(
        'PACK_TOO_LARGE',
        `${NAME} takes ${(bytes / 1e6).toFixed(1)} MB, more than ${(most / 1e6).toFixed(1)}: leave adapters out, or make them smaller`,
      );
    }
    makeFolder(path.dirname(out));
    renameSync(part, out);
    return { bytes, step };
  } finally {
    rmSync(part, { recursive: true, force: true });
  }
}

/** The checkpoint is of this run, and the run is of the recipe: its model, mixture, rows, batch and optimizer. */
function requireRecipe({ run, recipe }: PackOptions, checkpoint: string): void {
  const stored = readJson<StoredRun>(path.join(run, 'recipe.json'));
  const { planHash } = stateOf(checkpoint);
  if (planHash !== stored.planHash && stored.extended?.includes(planHash) !== true) {
    throw fail(
      'PACK_OTHER_RECIPE',
      `${checkpoint} belongs to another recipe than ${path.join(run, 'recipe.json')}: take the run that it was made by`,
    );
  }
  const config = readModelConfig(checkpoint) as unknown as Record<string, unknown>;
  const model = stored.plan.model as Record<string, unknown>;
  for (const name of ['family', 'vocabularySize', 'contextLength', 'layers', 'width', 'heads', 'kvHeads', 'mlpWidth']) {
    if (config[name] !== model[name])
      throw other(checkpoint, `model.${name}`, config[name], model[name], path.join(run, 'recipe.json'));
  }
  const wanted = readJson<Record<string, unknown>>(recipe);
  for (const [name, value] of Object.entries(wanted.model as object)) {
    if (!isDeepStrictEqual(model[name], value)) throw other(run, `model.${name}`, model[name], value, recipe);
  }
  const weights = (data: unknown) => (data as { weight?: number }[]).map(({ weight = 1 }) => weight);
  const { plan } = stored;
  const optimizer = wanted.optimizer as { learningRate?: number; matrixLearningRate?: number } | undefined;
  const muon = (plan.optimizer as { muon?: { learningRate: number } }).muon;
  const pairs: [string, unknown, unknown][] = [
    ['data weights', weights(plan.data), weights(wanted.data)],
    ['sequenceLength', plan.sequenceLength, wanted.sequenceLength],
    ['globalBatch', (plan.batch as { globalBatch: unknown }).globalBatch, wanted.globalBatch],
    ['optimizer.learningRate', (plan.learningRate as { peak: unknown }).peak, optimizer?.learningRate],
    ['optimizer.matrixLearningRate', muon?.learningRate, optimizer?.matrixLearningRate],
  ];
  for (const [name, found, asked] of pairs) {
    if (asked !== undefined && !isDeepStrictEqual(found, asked)) throw other(run, name, found, asked, recipe);
  }
}

function other(where: string, name: string, found: unknown, wanted: unknown, recipe: string): PackError {
  const [is, asked] = [JSON.stringify(found), JSON.stringify(wanted)];
  return fail('PACK_OTHER_RECIPE', `${where} does not match ${recipe}: ${name} is ${is} there, ${asked} in the recipe`);
}

function requireFinished({ run, unfinished }: PackOptions, step: number, steps: number): void {
  if (step >= steps || unfinished) return;
  throw fail('PACK_UNFINISHED', `${run} has done ${step} of ${steps} steps: let it finish, or say --unfinished`);
}

/** The shards that the checkpoint was trained on are those of the corpora whose sources are named. */
function requireCorpora({ corpora }: PackOptions, checkpoint: string): void {
  const { sources } = stateOf(checkpoint);
  if (sources.length !== corpora.length) {
    throw fail(
      'PACK_OTHER_DATA',
      `${checkpoint} was trained on ${sources.length} corpora: name as many, in the order of the recipe`,
    );
  }
  for (const [index, corpus] of corpora.entries()) {
    const tokens = readJson<{
      corpus: { manifestSha256: string };
      splits: { train: { bin: { sha256: string } } };
    }>(path.join(corpus, 'tokens', 'tokens.json'));
    if (tokens.splits.train.bin.sha256 !== sources[index]!.sha256) {
      throw fail('PACK_OTHER_DATA', `${checkpoint} was trained on other tokens than those of ${corpus}`);
    }
    if (tokens.corpus.manifestSha256 === fileSha256Sync(path.join(corpus, 'manifest.json'))) continue;
    throw fail(
      'PACK_OTHER_DATA',
      `${corpus} was changed after its tokens were made: build the tokens, and the model, anew`,
    );
  }
}

interface State {
  readonly tokens: number;
  readonly planHash: string;
  readonly sources: readonly { readonly sha256: string }[];
}

function stateOf(checkpoint: string): State {
  return readJson<State>(path.join(checkpoint, 'state.json'));
}

/** Trained beside the checkpoint; from now on beside its packed form, whose hash it is given. */
function packAdapter(name: string, from: string, checkpoint: string, packed: string): void {
  requireBase(from, checkpoint);
  const to = path.join(packed, 'adapters', name);
  const config = readModelConfig(packed);
  using layers = loadAdapter(from, config);
  saveAdapter(to, layers, config, { name: NAME, sha256: weightsSha256(packed) });
  for (const file of ['README.md', 'chat_template.jinja']) {
    if (existsSync(path.join(from, file))) cpSync(path.join(from, file), path.join(to, file));
  }
}

/** Recipes without the places of a machine, the log in short, the figures. */
function writeTraining({ run, corpora, scores }: PackOptions, folder: string): void {
  makeFolder(folder);
  const { plan } = readJson<StoredRun>(path.join(run, 'recipe.json'));
  const data = (plan.data as { corpus: string; weight?: number }[]).map(({ corpus, weight }) => ({
    corpus: path.basename(path.dirname(corpus)),
    weight,
  }));
  writeJson(path.join(folder, 'run.json'), { ...plan, data });
  for (const corpus of corpora) {
    const { name, recipe, recipeSha256, inputsSha256, counts, collections, splits } = readJson<
      Record<string, unknown> & { splits: Record<string, { documents: number; characters: number }> }
    >(path.join(corpus, 'manifest.json'));
    const sizes = Object.fromEntries(
      Object.entries(splits).map(([split, { documents, characters }]) => [split, { documents, characters }]),
    );
    const kept = { name, recipeSha256, inputsSha256, counts, collections, splits: sizes, recipe };
    writeJson(path.join(folder, `corpus-${path.basename(corpus)}.json`), kept);
  }
  const lines = readFileSync(path.join(run, 'log.jsonl'), 'utf8').trimEnd().split('\n');
  const every = Math.max(1, Math.ceil(lines.length / LOG_LINES));
  const kept = lines.filter((line, index) => index % every === 0 || line.includes('"validation'));
  writeFileSync(path.join(folder, 'log.jsonl'), `${kept.join('\n')}\n`);
  for (const [name, file] of Object.entries(scores)) cpSync(file, path.join(folder, 'scores', `${name}.json`));
}

function attributions(corpora: readonly string[]): string {
  return corpora
    .map((corpus) => {
      const file = path.join(corpus, 'ATTRIBUTIONS.md');
      if (existsSync(file)) return readFileSync(file, 'utf8');
      throw fail('PACK_OTHER_DATA', `${file} is missing: build the corpus by the recipe, which lists its sources`);
    })
    .join('\n');
}

function card(options: PackOptions, checkpoint: string, step: number): string {
  const { parameters } = sizesOf(readModelConfig(checkpoint));
  const { tokens } = stateOf(checkpoint);
  const adapters = Object.keys(options.adapters).sort();
  const own = options.card === undefined ? '' : `\n${readFileSync(options.card, 'utf8').trim()}\n`;
  return `---
license: apache-2.0
language:
  - zh
library_name: transformers
pipeline_tag: text-generation
---

# ${NAME}

A small Chinese base model of ${(parameters.total / 1e6).toFixed(1)} M parameters, trained by tunan (图南) alone on ${(tokens / 1e6).toFixed(1)} M tokens (${step} steps) of open texts. It continues text; what it
writes may be wrong or unfit for others to read. 图南训练的中文小型基座模型，续写文本；内容可能有误或不宜传播。

| file | what it is |
|---|---|
| \`model.safetensors\`, \`config.json\`, \`tokenizer.json\` | weights in float16, for tunan, transformers and vLLM |
| \`${NAME}-q8_0.gguf\` | the same in eight bits, for llama.cpp, Ollama and LM Studio |
${adapters.map((name) => `| \`adapters/${name}\` | adapter (LoRA, form of PEFT) |\n`).join('')}| \`training/\` | recipes of the run and of the corpora, the log, scores |
| \`ATTRIBUTIONS.md\` | the sources of the texts and their licences |
| \`manifest.json\` | SHA-256 of every file |

\`\`\`
npx tunan serve                                   # this model and its adapters, where the folder is models/${NAME}
npx tunan model generate --prompt 北冥有鱼
\`\`\`

Apache-2.0; the texts it was trained on have licences of their own, see \`ATTRIBUTIONS.md\`.
${own}`;
}

function packageJson(version: string): object {
  return {
    name: `@tunan/${NAME}`,
    version,
    description: 'A small Chinese base model, trained by tunan on open texts',
    license: 'Apache-2.0',
    files: ['*.json', '*.md', '*.safetensors', '*.gguf', 'adapters', 'training'],
  };
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .sort();
}

function readJson<T>(file: string): T {
  return JSON.parse(readFileSync(file, 'utf8')) as T;
}

function writeJson(file: string, content: object): void {
  writeFileSync(file, `${JSON.stringify(content, undefined, 2)}\n`);
}

function fail(code: ConstructorParameters<typeof PackError>[0], en: string): PackError {
  return new PackError(code, en);
}
