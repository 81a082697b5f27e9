/**
 * Addresses that are not wanted, one a line: a host (`example.com`, its subdomains included) or an address with a path
 * (`example.com/forum/`, everything below it). `#` begins a comment. The form of the public block lists.
 */
import { readFileSync } from 'node:fs';
import { CorpusError } from '../errors.ts';

export class UrlBlockList {
  readonly #hosts = new Set<string>();
  readonly #prefixes = new Map<string, string[]>();

  /** @throws CorpusError CORPUS_SOURCE_MISSING or CORPUS_MALFORMED_LINE */
  static read(paths: string[]): UrlBlockList {
    const list = new UrlBlockList();
    for (const path of paths) {
      let content: string;
      try {
        content = readFileSync(path, 'utf8');
      } catch (cause) {
        const { message } = cause as Error;
        const problem = {
          en: `cannot read the block list ${path}: ${message}`,
          zh: `无法读取屏蔽列表 ${path}（${message}）`,
        };
        throw new CorpusError('CORPUS_SOURCE_MISSING', problem, { cause });
      }
      for (const [index, line] of content.split(/\r?\n/).entries()) {
        const entry = line.replace(/#.*$/, '').trim();
        if (entry !== '') list.#add(entry, `${path}:${index + 1}`);
      }
    }
    return list;
  }

  has(url: string): boolean {
    const parsed = URL.parse(url);
    if (parsed === null) return false;
    for (let host = parsed.hostname; host !== ''; host = parentOf(host)) {
      if (this.#hosts.has(host)) return true;
      const address = parsed.pathname + parsed.search;
      if (this.#prefixes.get(host)?.some((prefix) => address.startsWith(prefix)) === true) return true;
    }
    return false;
  }

  #add(entry: string, where: string): void {
    const parsed = URL.parse(/^[a-z][a-z\d+.-]*:\/\//i.test(entry) ? entry : `http://${entry}`);
    if (parsed === null || /\s/.test(entry)) {
      const problem = {
        en: `${where}: "${entry}" is no host or address; fix or remove this line`,
        zh: `${where}：“${entry}”不是主机名或网址；请修改或删除这一行`,
      };
      throw new CorpusError('CORPUS_MALFORMED_LINE', problem);
    }
    if (parsed.pathname === '/' && parsed.search === '') this.#hosts.add(parsed.hostname);
    else {
      const known = this.#prefixes.get(parsed.hostname) ?? [];
      this.#prefixes.set(parsed.hostname, [...known, parsed.pathname + parsed.search]);
    }
  }
}

function parentOf(host: string): string {
  const dot = host.indexOf('.');
  return dot < 0 ? '' : host.slice(dot + 1);
}
