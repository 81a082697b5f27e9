/** The words of a repository's files by the form that the recipe names: markup, XML, catalogues of translations. */
import { Parser } from 'htmlparser2';

/** Text of a Markdown or reStructuredText file: without head matter, code, images, addresses and marks. */
export function markupText(source: string, member: string): string {
  const text = source.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n');
  return tidy(/\.(rst|rest)$/i.test(member) ? restructuredText(text) : markdownText(text));
}

function markdownText(markdown: string): string {
  return markdown
    .replace(/^---\n[\s\S]*?\n(---|\.\.\.)\n/, '')
    .replace(/<!--[\s\S]*?-->/g, '')
    .replace(/^([ \t>]*)(`{3,}|~{3,})[^\n]*\n[\s\S]*?^[ \t>]*\2[`~]*[ \t]*$/gm, '')
    .replace(/^(import|export) .*$/gm, '')
    .replace(/^[ \t]*\[[^\]]+\]:[ \t]*\S.*$/gm, '')
    .replace(/^[ \t]*:{3,}.*$/gm, '')
    .replace(/!\[[^\]]*\](\([^()]*(\([^()]*\)[^()]*)*\)|\[[^\]]*\])/g, '')
    .replace(/\[([^\][]*)\](\([^()]*(\([^()]*\)[^()]*)*\)|\[[^\]]*\])/g, '$1')
    .replace(/<\/?[a-zA-Z][^<>]*>/g, '')
    .replace(/^[ \t]*\|?[ \t]*:?-+:?[ \t]*(\|[ \t]*:?-+:?[ \t]*)+\|?[ \t]*\n/gm, '')
    .replace(/^[ \t]*([*_-])([ \t]*\1){2,}[ \t]*$/gm, '')
    .replace(/^[ \t]*[#>]+[ \t]*/gm, '')
    .replace(/[ \t]#+[ \t]*$/gm, '')
    .replace(/\*\*|__|`/g, '')
    .replace(/(?<!\*)\*(?=\S)([^*\n]+?)(?<=\S)\*(?!\*)/g, '$1')
    .replace(/\\([\\`*_{}[\]()#+.!|<>-])/g, '$1');
}

/** Directives of pictures, code and tables of contents go with what is indented below them; the words of others stay. */
const WORDLESS =
  /^([ \t]*)\.\. *(code|code-block|sourcecode|highlight|image|figure|toctree|raw|include|literalinclude|math|only|list-table|csv-table|contents|index|graphviz)::.*\n(?:\1[ \t]+.*\n|[ \t]*\n)*/gm;

function restructuredText(source: string): string {
  const text = `${source}\n`
    .replace(WORDLESS, '')
    .replace(/^[ \t]*\.\. *_[^\n]*$/gm, '')
    .replace(/^[ \t]*\.\. *[\w-]+::[ \t]*/gm, '')
    .replace(/^[ \t]*\.\.(?: .*)?$/gm, '')
    .replace(/^[ \t]*:[\w -]+:.*$/gm, '')
    .replace(/^[ \t]*([=\-~^"'`#*+.:_])\1{2,}[ \t]*$/gm, '');
  return withoutRoles(text)
    .replace(/\|[\w .-]+\|_?/g, '')
    .replace(/\*\*|``|`_?/g, '')
    .replace(/::[ \t]*$/gm, '：');
}

/** Roles and links of reStructuredText give their words. */
function withoutRoles(text: string): string {
  return text
    .replace(/:[\w:+.-]+:`[~!]?([^`<]*?)[ \t]*(?:<[^`>]*>)?`/g, '$1')
    .replace(/`([^`<]*?)[ \t]*<[^`>]*>`__?/g, '$1');
}

function tidy(text: string): string {
  return text
    .split('\n')
    .map((line) => line.trim())
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}

interface Element {
  /** Texts and elements inside, in order. */
  inside: (string | Element)[];
}

/** Text of an XML file: an element that holds text itself is one line with all that is in it, others are as many as they hold. */
export function xmlText(xml: string): string {
  const root: Element = { inside: [] };
  const open = [root];
  const parser = new Parser(
    {
      onopentag() {
        const element: Element = { inside: [] };
        open.at(-1)!.inside.push(element);
        open.push(element);
      },
      onclosetag() {
        open.pop();
      },
      ontext(text) {
        open.at(-1)!.inside.push(text);
      },
    },
    { xmlMode: true, decodeEntities: true },
  );
  parser.end(xml);
  return blocks(root).join('\n');
}

function blocks(element: Element): string[] {
  const own = element.inside.some((one) => typeof one === 'string' && one.trim() !== '');
  if (!own) return element.inside.flatMap((one) => (typeof one === 'string' ? [] : blocks(one)));
  const line = words(element).replace(/\s+/g, ' ').trim();
  // Lines of Chinese are broken anywhere in a file; the break is no space.
  return [line.replace(/(?<=[\p{Script=Han}，。、；：！？]) (?=\p{Script=Han})/gu, '')];
}

function words(element: Element): string {
  return element.inside.map((one) => (typeof one === 'string' ? one : words(one))).join('');
}

/** The translated texts of a gettext catalogue, one a line, without marks of the manuals they are of; the head and what has no translation stay out. */
export function translatedText(catalogue: string): string {
  const texts: string[] = [];
  let [field, id, text] = ['', '', ''];
  const end = () => {
    if (id !== '' && text.trim() !== '') texts.push(text.trim());
    [field, id, text] = ['', '', ''];
  };
  for (const line of catalogue.split(/\r?\n/)) {
    const entry = /^(msgid|msgid_plural|msgstr(?:\[\d+\])?|msgctxt)?\s*("(?:[^"\\]|\\.)*")\s*$/.exec(line);
    if (entry === null) {
      if (line.trim() === '' || line.startsWith('#~')) end();
      continue;
    }
    if (entry[1] === 'msgid' && field.startsWith('msgstr')) end();
    field = entry[1] ?? field;
    const value = unquoted(entry[2]!);
    if (field === 'msgid') id += value;
    else if (field === 'msgstr' || field === 'msgstr[0]') text += value;
  }
  end();
  return withoutRoles(texts.join('\n')).replace(/\*\*|``/g, '');
}

function unquoted(quoted: string): string {
  return quoted.slice(1, -1).replace(/\\(.)/g, (_, sign: string) => ({ n: '\n', t: '\t', r: '' })[sign] ?? sign);
}
