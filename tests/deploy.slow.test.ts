/**
 * The files of deploy/ under the tools of their fields: hadolint, yamllint, compose-spec, kubernetes-validate, Grafana's own library (all from
 * .peers, bench/peers.txt), promtool and systemd-analyze where they are installed. Each that is missing skips its test. Nothing is started but
 * our server for its metrics: no image is built, no cluster, Prometheus or Grafana is asked.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { buildServer } from '@tunan/api';
import { tinyEngine } from './e2e/tiny-engine.ts';

const root = path.resolve(import.meta.dirname, '..');
const deploy = path.join(root, 'deploy');
const peer = (name: string) => path.join(root, '.peers/bin', name);
const needsPeer = (name: string) => (existsSync(peer(name)) ? false : `needs .peers with ${name} (bench/peers.txt)`);
const needs = (name: string) =>
  spawnSync(name, ['--version'], { stdio: 'ignore' }).error === undefined ? false : `needs ${name}`;
const run = (program: string, args: readonly string[], cwd = deploy) =>
  execFileSync(program, args, { cwd, encoding: 'utf8' });

test('Dockerfile: hadolint', { skip: needsPeer('hadolint') }, () => {
  assert.equal(run(peer('hadolint'), ['Dockerfile']), '');
});

test('YAML: yamllint', { skip: needsPeer('yamllint') }, () => {
  const rules = '{extends: default, rules: {line-length: disable, document-start: disable, braces: disable}}';
  assert.equal(run(peer('yamllint'), ['-s', '-d', rules, '.']), '');
});

test('compose: the types of its specification', {
  skip: needsPeer('kubernetes-validate'),
}, () => {
  const program = `
import json, re, sys, yaml
from compose_spec import PyCompose
# As docker compose does before it reads the file.
filled = re.sub(r'[$][{]\\w+[^}]*[}]', '/value', open('compose.yaml').read())
given = yaml.safe_load(filled)
given.pop('x-server')
PyCompose.from_json(json.dumps(given)).validate()
for wrong in ({'ports': 3}, {'restart': 'perhaps'}, {'stop_grace_period': 'forty'}, {'depends_on': 7}):
    text = json.dumps({**given, 'services': {**given['services'], 'wrong': {'image': 'x', **wrong}}})
    try:
        PyCompose.from_json(text)
    except ValueError:
        continue
    sys.exit(f'a mistake was not seen: {wrong}')`;
  run(peer('python'), ['-c', program]);
});

test('Kubernetes: the schemas of its release', { skip: needsPeer('kubernetes-validate') }, () => {
  run(peer('kubernetes-validate'), ['--strict', 'kubernetes/tunan.yaml']);
});

const noPromtool = needs('promtool');

test('Prometheus: the scrape configuration and the rules', { skip: noPromtool }, () => {
  assert.match(run('promtool', ['check', 'config', 'prometheus.yml']), /SUCCESS: 5 rules found/);
});

test('Prometheus: each alert fires when it should, and not before', { skip: noPromtool }, () => {
  run('promtool', ['test', 'rules', 'alerts.test.yml']);
  using own = newFolder();
  const rules = readFileSync(path.join(deploy, 'alerts.yml'), 'utf8');
  writeFileSync(path.join(own.folder, 'alerts.test.yml'), readFileSync(path.join(deploy, 'alerts.test.yml')));
  // The tests are held to finding a rule that is a little wrong.
  for (const [right, wrong] of [
    ['up{job="tunan"} == 0', 'up == 0'],
    ['> 0.05 *', '> 0.06 *'],
    ['status=~"5.."', 'status=~"[45].."'],
    ['and tunan_sequences_running > 0', ''],
    ['histogram_quantile(0.95', 'histogram_quantile(0.9'],
    ['tunan_workers{state="up"} == 0', 'tunan_workers == 0'],
  ] as const) {
    assert.ok(rules.includes(right), right);
    writeFileSync(path.join(own.folder, 'alerts.yml'), rules.replace(right, wrong));
    const { status } = spawnSync('promtool', ['test', 'rules', 'alerts.test.yml'], { cwd: own.folder });
    assert.equal(status, 1, `not found: ${wrong}`);
  }
});

const dashboard = readFileSync(path.join(deploy, 'grafana/dashboard.json'), 'utf8');

test('Grafana: what the panels ask is PromQL', { skip: noPromtool }, () => {
  using own = newFolder();
  const file = path.join(own.folder, 'panels.yml');
  const { panels } = JSON.parse(dashboard) as { panels: { targets: { expr: string }[] }[] };
  const asked = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
  assert.ok(asked.length >= panels.length);
  const check = (expressions: readonly string[]) => {
    // As Grafana fills them in.
    const filled = expressions.map((expr) => expr.replaceAll('$__rate_interval', '1m').replaceAll('$instance', '.*'));
    const rules = filled.map((expr, place) => ({ record: `panel:${place}`, expr }));
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'panels', rules }] }));
    return spawnSync('promtool', ['check', 'rules', file], { encoding: 'utf8' });
  };
  const { status, stdout, stderr } = check(asked);
  assert.equal(status, 0, stderr);
  assert.match(stdout, new RegExp(`SUCCESS: ${asked.length} rules found`));
  assert.equal(check([...asked, 'sum by (le (rate(x[1m]))']).status, 1);
});

test('Grafana: every field of the dashboard is one that its library of types knows', {
  skip: needsPeer('kubernetes-validate'),
}, () => {
  const program = `
import copy, json, sys
from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard
plugins.register_default_plugins()

def lost(given, kept, place=''):
    if isinstance(given, dict):
        return [name for key in given for name in (lost(given[key], kept[key], f'{place}.{key}')
                if isinstance(kept, dict) and key in kept else [f'{place}.{key}'])]
    if isinstance(given, list):
        if not isinstance(kept, list) or len(given) != len(kept): return [place]
        return [name for n, pair in enumerate(zip(given, kept)) for name in lost(*pair, f'{place}[{n}]')]
    return [] if given == kept else [place]

def unknown(given):
    return lost(given, json.loads(JSONEncoder().encode(Dashboard.from_json(given))))

given = json.load(open('grafana/dashboard.json'))
if unknown(given): sys.exit(f'not known: {unknown(given)}')
for panel in given['panels']:
    wrong = copy.deepcopy(given)
    at = given['panels'].index(panel)
    wrong['panels'][at]['gridPos']['height'] = 8
    wrong['panels'][at]['targets'][0]['expression'] = 'x'
    wrong['panels'][at]['fieldConfig']['defaults']['units'] = 's'
    found = unknown(wrong)
    if len(found) != 3: sys.exit(f'mistakes were not seen: {found}')`;
  run(peer('python'), ['-c', program]);
});

test('/metrics is what Prometheus reads, and as its guide names things', { skip: noPromtool }, async () => {
  const { engine, close } = await tinyEngine();
  const { app } = buildServer({ models: new Map([['m', engine]]) });
  const ask = (body: object) =>
    app.inject({ method: 'POST', url: '/v1/completions', payload: { prompt: '春', ...body } });
  await ask({ max_tokens: 3 });
  await ask({ max_tokens: -1 });
  const { body } = await app.inject('/metrics');
  await app.close();
  close();
  const check = (input: string) => spawnSync('promtool', ['check', 'metrics'], { input, encoding: 'utf8' });
  const { status, stderr } = check(body);
  assert.deepEqual([status, stderr], [0, '']);
  assert.notEqual(check(body.replaceAll('tunan_requests_total', 'tunan_requests')).status, 0);
});

function newFolder() {
  const folder = mkdtempSync(path.join(tmpdir(), 'tunan-deploy-'));
  return { folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) };
}

test('systemd: the unit has no mistake', { skip: needs('systemd-analyze') }, () => {
  using own = newFolder();
  const { folder } = own;
  // The program has to be there for the check.
  const program = path.join(folder, 'node_modules/.bin/node');
  mkdirSync(path.dirname(program), { recursive: true });
  writeFileSync(program, '');
  chmodSync(program, 0o755);
  const unit = readFileSync(path.join(deploy, 'tunan.service'), 'utf8').replaceAll('/opt/tunan', folder);
  writeFileSync(path.join(folder, 'tunan.service'), unit);
  const { status, stderr } = spawnSync('systemd-analyze', ['verify', path.join(folder, 'tunan.service')], {
    encoding: 'utf8',
  });
  assert.deepEqual([status, stderr], [0, '']);
});
