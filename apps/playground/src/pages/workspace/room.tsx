/** What the three pages about the operator's folder share: who may look, the list of what there is, and the one that is looked at. */
import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { moment, words } from '../../language.ts';
import { Notice } from '../../parts/notice.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import { addressOf } from '../../router.ts';
import { hasWorkspace } from '../../server/access.ts';
import { findSession, session } from '../../server/account.ts';
import { mayLook, useWorkspace } from '../../server/workspace.ts';
import './room.css';

const say = words(
  {
    noFolder: '这个服务器没有给出可供查看的目录（启用：tunan serve --workspace 目录）。',
    adminsAlone: '这一页仅限管理员。',
    signIn: '登录',
    place: '位置',
    changed: '最近变动',
    truncated: '目录内容过多，只查看了一部分。',
    back: '返回列表',
  },
  {
    noFolder: 'This server names no folder to look into (to have it: tunan serve --workspace DIR).',
    adminsAlone: 'This page is for admins alone.',
    signIn: 'Sign in',
    place: 'Place',
    changed: 'Changed',
    truncated: 'The folder holds more than is looked through: this is a part of it.',
    back: 'Back to the list',
  },
);

export function Guarded({ children }: { readonly children: ComponentChildren }) {
  useEffect(() => void findSession(), []);
  if (!hasWorkspace) return <Notice>{say().noFolder}</Notice>;
  if (session.value === undefined) return null;
  if (mayLook()) return <>{children}</>;
  return (
    <Notice>
      {say().adminsAlone} <a href={addressOf('account')}>{say().signIn}</a>
    </Notice>
  );
}

interface Item {
  readonly id: string;
  readonly path: string;
  readonly changed_at: number;
}

interface PlaceListProps<One extends Item> {
  /** The page, and the route: `runs`. */
  readonly page: string;
  readonly route: string;
  readonly caption: string;
  readonly empty: string;
  readonly columns: readonly Column<One>[];
}

export function PlaceList<One extends Item>({ page, route, caption, empty, columns }: PlaceListProps<One>) {
  const { value, refusal } = useWorkspace<{ data: readonly One[]; truncated: boolean }>(route);
  const all: readonly Column<One>[] = [
    { title: say().place, cell: ({ id, path }) => <a href={addressOf(page, id)}>{path === '' ? '.' : path}</a> },
    ...columns,
    { title: say().changed, cell: ({ changed_at: at }) => moment(at) },
  ];
  return (
    <div class="stack">
      {refusal !== undefined && <Notice kind="alarm">{refusal}</Notice>}
      {value?.truncated && <Notice>{say().truncated}</Notice>}
      {value !== undefined && (
        <Table caption={caption} columns={all} rows={value.data} keyOf={({ id }) => id} empty={empty} />
      )}
    </div>
  );
}

interface PlaceHeadProps {
  readonly page: string;
  readonly title: string;
  /** Beside the title. */
  readonly children?: ComponentChildren;
}

export function PlaceHead({ page, title, children }: PlaceHeadProps) {
  return (
    <header class="place-head">
      <a href={addressOf(page)}>← {say().back}</a>
      <h2>{title}</h2>
      <div class="row">{children}</div>
    </header>
  );
}

/** Large figures with their names. */
export function Figures({ of }: { readonly of: readonly (readonly [name: string, value: string])[] }) {
  return (
    <dl class="place-figures">
      {of.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
