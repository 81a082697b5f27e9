/**
 * Formulas as TeX between dollar signs: what MathJax, KaTeX and MathML pages carry beside or instead of the drawn one.
 * The TeX that the author wrote is preferred; MathML without it is written as TeX plainly, symbols as they stand.
 */
import { Tokenizer } from 'htmlparser2';
import { decoded } from './block-text.ts';

const LONGEST = 4_000;

/** `$E=mc^2$`; '' where nothing is left. The marks and wrappers that the TeX came in are taken off. */
export function formula(tex: string, display = false): string {
  const bare = tex
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/^\$\$?(.*?)\$?\$$/, '$1')
    .replace(/^\\[([](.*)\\[)\]]$/, '$1')
    .replace(/^\{\\(?:displaystyle|textstyle)\s+(.*)\}$/, '$1')
    .trim();
  if (bare === '' || bare.length > LONGEST) return '';
  return display ? `$$${bare}$$` : `$${bare}$`;
}

/** Names of elements that hold the drawn form of a formula that also stands there as MathML or in a script. */
export function drawsFormula(hint: string): boolean {
  return /(?:^| )(?:katex-html|mjx-chtml|mathjax(?:_preview|_display|_s?c?html(?:_display)?|_svg(?:_display)?)?)(?= |$)/.test(
    hint,
  );
}

/** The TeX of an image of a formula: its alternative text, where address, class or the text itself says that it is one. */
export function imageFormula({ alt, src = '', class: names = '', eeimg }: Record<string, string>): string {
  if (alt === undefined) return '';
  const text = decoded(alt).trim();
  if (text === '' || /[\u4e00-\u9fff]{4}/.test(text)) return '';
  const isFormula =
    eeimg !== undefined ||
    /equation\?|[?&/]tex[?=/]|latex|codecogs|mathtex|mimetex|\/math\//i.test(src) ||
    /(?:^|[\s_-])(?:tex|latex|math|equation|formula|mwe-math)/i.test(names) ||
    /^\$.+\$$/.test(text);
  return isFormula ? formula(text) : '';
}

/** MathML as TeX between dollar signs. */
export function mathml(source: string): string {
  const root = readMath(source);
  const annotation = find(root, ({ tag, isTex }) => tag.startsWith('annotation') && isTex);
  const math = find(root, ({ tag }) => tag === 'math') ?? root;
  const display = /<math[^>]*\bdisplay\s*=\s*["']?block/i.test(source);
  return formula(annotation === undefined ? written(math) : textOf(annotation), display);
}

interface MathNode {
  tag: string;
  isTex: boolean;
  children: (MathNode | string)[];
}

function readMath(source: string): MathNode {
  const root: MathNode = { tag: '', isTex: false, children: [] };
  const stack = [root];
  let node = root;
  let attribute = '';
  const tokenizer = new Tokenizer(
    { decodeEntities: false },
    {
      onopentagname(start, end) {
        // `<m:mi>` is `<mi>`.
        node = { tag: source.slice(start, end).toLowerCase().replace(/^.*:/, ''), isTex: false, children: [] };
        if (stack.length < 100) stack.at(-1)!.children.push(node);
      },
      onattribname(start, end) {
        attribute = source.slice(start, end).toLowerCase();
      },
      onattribdata(start, end) {
        if (attribute === 'encoding' && /tex/i.test(source.slice(start, end))) node.isTex = true;
      },
      onopentagend() {
        stack.push(node);
      },
      onclosetag(start, end) {
        const tag = source.slice(start, end).toLowerCase().replace(/^.*:/, '');
        const open = stack.findLastIndex((element) => element.tag === tag);
        if (open > 0) stack.length = open;
      },
      ontext(start, end) {
        stack.at(-1)!.children.push(decoded(source.slice(start, end)));
      },
      onattribend() {},
      onattribentity() {},
      onselfclosingtag() {},
      ontextentity() {},
      oncdata() {},
      oncomment() {},
      ondeclaration() {},
      onprocessinginstruction() {},
      onend() {},
    },
  );
  tokenizer.write(source.slice(0, 100_000));
  tokenizer.end();
  return root;
}

function find(node: MathNode, is: (node: MathNode) => boolean): MathNode | undefined {
  for (const child of node.children) {
    if (typeof child === 'string') continue;
    const found = is(child) ? child : find(child, is);
    if (found !== undefined) return found;
  }
  return undefined;
}

function textOf(node: MathNode): string {
  return node.children.map((child) => (typeof child === 'string' ? child : textOf(child))).join('');
}

/** Commands for what a script above or below is put on. */
const ACCENTS: Record<string, string> = {
  '¯': 'bar',
  '‾': 'overline',
  '^': 'hat',
  '~': 'tilde',
  '→': 'vec',
  '˙': 'dot',
};

function written(node: MathNode): string {
  const parts = node.children.filter((child) => typeof child !== 'string');
  const part = (i: number): string => (parts[i] === undefined ? '{}' : grouped(written(parts[i])));
  const inner = (): string => parts.map(written).join('');
  switch (node.tag) {
    case 'mi':
    case 'mn':
      return textOf(node).trim();
    case 'mo':
      return operator(textOf(node).trim());
    case 'mtext':
    case 'ms':
      return /\S/.test(textOf(node)) ? `\\text{${textOf(node).trim()}}` : ' ';
    case 'mspace':
      return ' ';
    case 'annotation':
    case 'annotation-xml':
    case 'mphantom':
      return '';
    case 'msup':
      return `${part(0)}^${part(1)}`;
    case 'msub':
      return `${part(0)}_${part(1)}`;
    case 'msubsup':
    case 'munderover':
      return `${part(0)}_${part(1)}^${part(2)}`;
    case 'munder':
      return `${part(0)}_${part(1)}`;
    case 'mover': {
      const accent = parts[1] === undefined ? undefined : ACCENTS[textOf(parts[1]).trim()];
      return accent === undefined ? `${part(0)}^${part(1)}` : `\\${accent}{${written(parts[0]!)}}`;
    }
    case 'mfrac':
      return `\\frac{${parts[0] === undefined ? '' : written(parts[0])}}{${parts[1] === undefined ? '' : written(parts[1])}}`;
    case 'msqrt':
      return `\\sqrt{${inner()}}`;
    case 'mroot':
      return `\\sqrt[${parts[1] === undefined ? '' : written(parts[1])}]{${parts[0] === undefined ? '' : written(parts[0])}}`;
    case 'mfenced':
      return `(${parts.map(written).join(',')})`;
    case 'mtable':
      return `\\begin{matrix}${parts.map(written).join(' \\\\ ')}\\end{matrix}`;
    case 'mtr':
      return parts.map(written).join(' & ');
    default:
      return parts.length === 0 ? textOf(node).trim() : inner();
  }
}

/** Braces and the sign of a comment mean something else in TeX. */
function operator(sign: string): string {
  return /^[{}%#&_$]$/.test(sign) ? `\\${sign}` : sign.replace(/[\u2061-\u2064]/g, '');
}

function grouped(tex: string): string {
  return [...tex].length === 1 ? tex : `{${tex}}`;
}
