/** What the operating system refuses, in words of someone who can fix it. */
import type { Said } from './said.ts';

const PROBLEMS: Readonly<Record<string, Said>> = {
  ENOENT: { en: 'there is no such file or folder', zh: '没有这个文件或目录' },
  EACCES: { en: 'permission denied: choose a place that you may read and write', zh: '没有权限：请换一个可读写的位置' },
  EPERM: { en: 'not permitted: choose a place that you may read and write', zh: '不允许此操作：请换一个可读写的位置' },
  EEXIST: {
    en: 'a file of that name is in the way: remove it, or choose another name',
    zh: '已有同名文件：请移走它，或换一个名称',
  },
  EISDIR: { en: 'it is a folder, and a file is needed', zh: '这是目录，而此处需要文件' },
  ENOTDIR: { en: 'a part of the path is a file, not a folder', zh: '路径中有一段是文件而不是目录' },
  ENOTEMPTY: { en: 'the folder is not empty: choose another one', zh: '目录不为空：请换一个目录' },
  EROFS: { en: 'the file system is read-only: choose another place', zh: '文件系统只读：请换一个位置' },
  ENOSPC: {
    en: 'the disk is full: free some space, or choose another place',
    zh: '磁盘已满：请腾出空间，或换一个位置',
  },
  EDQUOT: {
    en: 'the disk quota is used up: free some space, or choose another place',
    zh: '磁盘配额已用完：请腾出空间，或换一个位置',
  },
  EFBIG: {
    en: 'the file would pass the size limit of this system or shell (ulimit -f)',
    zh: '文件超过系统或 shell 的大小上限（ulimit -f）',
  },
  EIO: { en: 'the disk reports an input/output error: check it', zh: '磁盘读写出错：请检查磁盘' },
  EMFILE: { en: 'too many files are open: raise ulimit -n', zh: '打开的文件过多：请调高 ulimit -n' },
  ENAMETOOLONG: { en: 'the name is too long for this file system', zh: '名称超过文件系统允许的长度' },
  ELOOP: { en: 'its links lead round in a circle', zh: '符号链接形成了循环' },
  EBUSY: { en: 'another program is using it', zh: '正被其他程序占用' },
  ETXTBSY: { en: 'another program is running it', zh: '正被其他程序运行' },
  EXDEV: { en: 'the two places are on different disks', zh: '两处位于不同的磁盘' },
};

/** What a system error says, without its path; undefined for errors that the system did not report. */
export function systemProblem(error: unknown): Said | undefined {
  const code = (error as NodeJS.ErrnoException | null | undefined)?.code;
  return typeof code === 'string' ? PROBLEMS[code] : undefined;
}
