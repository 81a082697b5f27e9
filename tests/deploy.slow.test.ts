/**
 * The files of deploy/ under the tools of their fields: hadolint, yamllint, compose-spec, kubernetes-validate (all from .peers,
 * bench/peers.txt), promtool and systemd-analyze where they are installed. Each that is missing skips its test. Nothing is started: no image
 * is built, no cluster is asked.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

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

test('Prometheus: promtool', { skip: needs('promtool') }, () => {
  assert.match(run('promtool', ['check', 'config', 'prometheus.yml']), /SUCCESS: 5 rules found/);
});

test('systemd: the unit has no mistake', { skip: needs('systemd-analyze') }, () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'tunan-unit-'));
  try {
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
  } finally {
    rmSync(folder, { recursive: true });
  }
});
