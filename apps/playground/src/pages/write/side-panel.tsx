/** Beside the text: parameters, what was written before, the request as code. */
import { kept } from '../../kept.ts';
import { Tabs } from '../../parts/tabs.tsx';
import { CodePanel } from './code-panel.tsx';
import { HistoryPanel } from './history-panel.tsx';
import { Quota } from './quota.tsx';
import { SettingsPanel } from './settings-panel.tsx';
import { say } from './words.ts';

const PANELS = ['settings', 'history', 'code'] as const;
type Panel = (typeof PANELS)[number];
const panel = kept<Panel>('write.panel', 'settings', (value): value is Panel => PANELS.some((one) => one === value));

export function SidePanel() {
  const { value: current } = panel;
  return (
    <aside class="write-side">
      <div class="card">
        <Tabs
          label={say().panel}
          tabs={PANELS.map((name) => ({ name, title: say().panels[name] }))}
          current={current}
          onChoose={(name) => {
            panel.value = name;
          }}
        >
          {current === 'settings' && <SettingsPanel />}
          {current === 'history' && <HistoryPanel />}
          {current === 'code' && <CodePanel />}
        </Tabs>
      </div>
      <Quota />
    </aside>
  );
}
