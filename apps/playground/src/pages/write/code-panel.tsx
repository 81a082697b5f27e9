/** The request that the button sends, for programs. */
import { useState } from 'preact/hooks';
import { Code } from '../../parts/code.tsx';
import { ChoiceField } from '../../parts/field.tsx';
import { access } from '../../server/access.ts';
import { SAMPLE_LANGUAGES, type SampleLanguage, sampleOf } from './code-samples.ts';
import { draft } from './draft.ts';
import { requestOf } from './request.ts';
import { say } from './words.ts';

export function CodePanel() {
  const [language, setLanguage] = useState<SampleLanguage>('curl');
  const { columns } = draft.value;
  const url = new URL('v1', location.href.split('#')[0]).href;
  return (
    <div class="stack">
      <p class="faint small-text">{say().code.intro}</p>
      <ChoiceField
        label={say().code.choose}
        value={language}
        options={SAMPLE_LANGUAGES.map((name) => ({ value: name, label: say().code.languages[name] }))}
        onValue={(name) => setLanguage(name as SampleLanguage)}
      />
      {columns.map((column, at) => {
        const asked = requestOf(draft.value, column, column.settings.seed);
        const text = sampleOf(language, { asked, url, needsKey: access !== 'open' });
        return <Code key={at} label={say().code.label(say().code.languages[language])} text={text} />;
      })}
    </div>
  );
}
