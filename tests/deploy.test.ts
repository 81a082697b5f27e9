/** The files of deploy/ name options, routes, metrics and packages that there are. Their form is checked in deploy.slow.test.ts. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

const root = path.resolve(import.meta.dirname, '..');
const read = (file: string) => readFileSync(path.join(root, file), 'utf8');
const sources = globSync('packages/api/src/**/*.ts', { cwd: root })
  .filter((file) => !file.endsWith('.test.ts'))
  .map(read)
  .join('\n');

test('the dashboard and the alerts ask for metrics that the server has', () => {
  const dashboard = JSON.parse(read('deploy/grafana/dashboard.json')) as {
    panels: { title: string; targets: { expr: string }[] }[];
  };
  assert.ok(dashboard.panels.length >= 10);
  const asked = [
    ...dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
    read('deploy/alerts.yml'),
  ];
  const names = new Set(asked.join('\n').match(/\b(?:tunan|process)_[a-z_]+/g));
  assert.ok(names.size >= 12);
  for (const name of names) {
    const bare = name.replace(/_(bucket|sum|count)$/, '');
    assert.ok(sources.includes(`'${bare}'`) || sources.includes(`${bare}{`), name);
  }
});

test('options and environment of the deployments are those of tunan serve', () => {
  const help = execFileSync(process.execPath, [path.join(root, 'packages/cli/bin/tunan.mjs'), 'serve', '--help'], {
    encoding: 'utf8',
  });
  for (const file of [
    'deploy/compose.yaml',
    'deploy/kubernetes/tunan.yaml',
    'deploy/tunan.service',
    'deploy/Dockerfile',
  ]) {
    const text = read(file).replace(/^\s*#.*(?:docker|kubectl|docker compose) .*$/gm, '');
    const lines = text.split('\n').filter((line) => /command|args|ENTRYPOINT|OPTIONS|drain/.test(line));
    for (const [option] of lines.join('\n').matchAll(/--[a-z-]+/g)) {
      if (option !== '--help') assert.ok(help.includes(option), `${file}: ${option}`);
    }
  }
  assert.ok(help.includes('TUNAN_ACCOUNTS'));
});

test('probes and health checks ask for routes that there are', () => {
  for (const file of ['deploy/kubernetes/tunan.yaml', 'deploy/Dockerfile']) {
    const paths = read(file).match(/(?<=path: |8000)\/[a-z]+/g) ?? [];
    assert.ok(paths.length > 0);
    for (const one of paths) assert.ok(sources.includes(`app.get('${one}'`), one);
  }
});
