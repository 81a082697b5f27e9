/**
 * Whether a folder lies on a network file system. Processes share a SQLite file through locks and mapped memory, which such systems do not
 * keep between machines, and the ledger would be wrong without a word.
 *
 * Linux tells the kind of every mount. Elsewhere only names such as `\\server\share` are known.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';

const KINDS =
  /^(nfs\d*|cifs|smb\d*|smbfs|ncpfs|afs|ceph|glusterfs|lustre|gpfs|beegfs|orangefs|pvfs2|ocfs2|9p|fuse\.(sshfs|glusterfs|s3fs|ceph.*|rclone|goofys|gcsfuse|davfs|juicefs|JuiceFS.*|mfs|seaweedfs|cephfs))$/;

/** @param folder that exists @returns the kind, such as 'nfs4'; undefined where it is none, or cannot be told */
export function networkFileSystem(folder: string): string | undefined {
  if (process.platform === 'win32') return folder.startsWith('\\\\') ? 'share' : undefined;
  if (process.platform !== 'linux') return undefined;
  return networkMount(folder, readFileSync('/proc/self/mountinfo', 'utf8'));
}

/** @param mounts as proc(5) writes mountinfo; of mounts over one another the last counts */
export function networkMount(folder: string, mounts: string): string | undefined {
  let found: { readonly length: number; readonly kind: string } | undefined;
  for (const line of mounts.split('\n')) {
    const [before = '', after = ''] = line.split(' - ');
    const place = before.split(' ')[4];
    const kind = after.split(' ')[0];
    if (place === undefined || kind === undefined || !isBelow(folder, unescaped(place))) continue;
    if (place.length >= (found?.length ?? 0)) found = { length: place.length, kind };
  }
  return found !== undefined && KINDS.test(found.kind) ? found.kind : undefined;
}

const isBelow = (folder: string, place: string): boolean =>
  folder === place || folder.startsWith(place.endsWith(path.sep) ? place : place + path.sep);

/** A blank in a name is written `\040`. */
const unescaped = (place: string): string =>
  place.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
