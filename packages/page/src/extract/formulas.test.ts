import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mathml } from './formulas.ts';
import { readPage } from './read-page.ts';

const text = (html: string): string =>
  readPage(`<p>设${html}成立</p>`)
    .blocks.map((block) => block.text)
    .join('¶');

test('a formula is written once, as the TeX that the page carries', () => {
  const math =
    '<math><semantics><mrow><mi>a</mi></mrow><annotation encoding="application/x-tex">a_1</annotation></semantics></math>';
  const pages: Record<string, string> = {
    KaTeX: `<span class="katex"><span class="katex-mathml">${math}</span><span class="katex-html" aria-hidden="true">a1</span></span>`,
    'MathJax 2':
      '<span class="MathJax_Preview"></span><span class="MathJax"><nobr>a1</nobr></span><script type="math/tex">a_1</script>',
    'MathJax 3': `<mjx-container class="MathJax"><mjx-math aria-hidden="true"></mjx-math><mjx-assistive-mml>${math}</mjx-assistive-mml></mjx-container>`,
    'hidden MathML beside an image': `<span class="m"><span style="display:none">${math}</span><img class="mwe-math-fallback-image-inline" alt="{\\displaystyle a_1}"></span>`,
    'an attribute beside an image':
      '<span class="z" data-tex="a_1"><svg></svg></span><img src="/equation?tex=a_1" alt="a_1">',
    'an image': '<img class="latex" alt="$a_1$">',
  };
  for (const [name, html] of Object.entries(pages)) assert.equal(text(html), '设$a_1$成立', name);
  assert.equal(text('<script type="math/tex; mode=display">a_1</script>'), '设$$a_1$$成立');
  assert.equal(text('<img src="cat.jpg" alt="一只猫">'), '设成立');
});

test('MathML without TeX is written plainly', () => {
  const inner: [string, string][] = [
    ['<mfrac><mi>a</mi><mrow><mi>b</mi><mo>+</mo><mn>10</mn></mrow></mfrac>', '\\frac{a}{b+10}'],
    ['<msqrt><msup><mi>x</mi><mn>12</mn></msup></msqrt>', '\\sqrt{x^{12}}'],
    ['<munderover><mo>∑</mo><mrow><mi>i</mi><mo>=</mo><mn>1</mn></mrow><mi>n</mi></munderover>', '∑_{i=1}^n'],
    ['<mover><mi>v</mi><mo>→</mo></mover>', '\\vec{v}'],
    ['<mtable><mtr><mtd><mn>1</mn></mtd><mtd><mn>0</mn></mtd></mtr></mtable>', '\\begin{matrix}1 & 0\\end{matrix}'],
    ['<m:msub><m:mi>a</m:mi><m:mi>i</m:mi></m:msub>', 'a_i'],
  ];
  for (const [source, tex] of inner) assert.equal(mathml(`<math>${source}</math>`), `$${tex}$`);
});
