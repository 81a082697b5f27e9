/** What is said of token shards whose corpus was changed after they were made. */
import { text } from './language.ts';

export function staleLine(folder: string): string {
  return text(
    `stale: ${folder} was made of the corpus before; remove it and run tunan corpus shard again`,
    `已过期：${folder} 由改动前的语料制成；请删除后重新运行 tunan corpus shard`,
  );
}
