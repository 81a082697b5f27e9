/** The page on which a person rates the sample: one document at a time, three keys, no network, nothing to install. */

const TEXTS = {
  en: { title: 'Audit', good: 'good', poor: 'poor', bad: 'bad', done: 'All are rated. This window can be closed.', back: 'back', hint: 'keys 1, 2, 3; ← goes back', ask: 'Would you train a model on this text?', failed: 'The program does not answer; start the audit again.' },
  zh: { title: '抽样复核', good: '好', poor: '尚可', bad: '差', done: '已全部评完，可以关闭此页。', back: '返回', hint: '按键 1、2、3；← 返回上一篇', ask: '这段文字适合用来训练模型吗？', failed: '程序没有回应，请重新启动复核。' },
}; // biome-ignore format: a table

export function auditPage(): string {
  return `<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>tunan audit</title>
<style>
:root{--ink:#1d2129;--soft:#697079;--line:#dfe3e8;--paper:#fff;--wash:#f4f6f8;--good:#2f855a;--poor:#b7791f;--bad:#c53030}
@media(prefers-color-scheme:dark){:root{--ink:#e6e8eb;--soft:#9aa3ad;--line:#343a42;--paper:#16191d;--wash:#1f2429;--good:#68d391;--poor:#f6c667;--bad:#fc8181}}
*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);font:17px/1.75 system-ui,"Noto Sans CJK SC","PingFang SC","Microsoft YaHei",sans-serif}
main{max-width:46rem;margin:0 auto;padding:1.2rem 1.2rem 9rem}header{display:flex;justify-content:space-between;color:var(--soft);font-size:.9rem}
#bar{height:.3rem;background:var(--wash);margin:.5rem 0 1.2rem}#bar i{display:block;height:100%;background:var(--good);width:0}
#text{white-space:pre-wrap;overflow-wrap:anywhere}#meta{color:var(--soft);font-size:.85rem;overflow-wrap:anywhere;margin-bottom:.8rem}
footer{position:fixed;inset:auto 0 0 0;background:var(--paper);border-top:1px solid var(--line);padding:.8rem;text-align:center}
button{font:inherit;padding:.5rem 1.6rem;margin:0 .3rem;border:1px solid var(--line);border-radius:.5rem;background:var(--wash);color:var(--ink);cursor:pointer}
button.chosen{outline:2px solid currentColor}.good{color:var(--good)}.poor{color:var(--poor)}.bad{color:var(--bad)}.soft{color:var(--soft);font-size:.85rem}
</style></head><body><main><header><span id="title"></span><span id="count"></span></header><div id="bar"><i></i></div><div id="meta"></div><article id="text"></article></main>
<footer><div class="soft" id="ask"></div><p><button class="good" id="good"></button><button class="poor" id="poor"></button><button class="bad" id="bad"></button></p><div class="soft" id="hint"></div></footer>
<script>
const texts = ${JSON.stringify(TEXTS)};
const say = texts[/^zh/i.test(navigator.language) ? 'zh' : 'en'];
const at = (id) => document.getElementById(id);
for (const id of ['title', 'good', 'poor', 'bad', 'hint', 'ask']) at(id).textContent = say[id];
let index = -1, size = 0, busy = false;
async function ask(path, options) {
  try {
    const answer = await fetch(path, options);
    if (!answer.ok) throw new Error(await answer.text());
    return await answer.json();
  } catch (error) {
    at('hint').textContent = say.failed + ' ' + error.message;
    throw error;
  }
}
function show(state) {
  index = state.index; size = state.size;
  at('count').textContent = state.rated + ' / ' + state.size + '   ' + ['good', 'poor', 'bad'].map((r) => say[r] + ' ' + state.counts[r]).join(' · ');
  document.querySelector('#bar i').style.width = (100 * state.rated / state.size) + '%';
  at('text').textContent = state.document === null ? say.done : state.document.text;
  at('meta').textContent = state.document === null ? '' : [state.document.id, state.document.url].filter(Boolean).join('  ');
  for (const rating of ['good', 'poor', 'bad']) { at(rating).disabled = state.document === null; at(rating).classList.toggle('chosen', state.rating === rating); }
  scrollTo(0, 0);
}
async function rate(rating) {
  if (busy || at(rating).disabled) return;
  busy = true;
  try { show(await ask('rate', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ index, rating }) })); } finally { busy = false; }
}
for (const rating of ['good', 'poor', 'bad']) at(rating).onclick = () => rate(rating);
addEventListener('keydown', async (event) => {
  const rating = { 1: 'good', 2: 'poor', 3: 'bad' }[event.key];
  if (rating) await rate(rating);
  if (event.key === 'ArrowLeft') { const to = (index < 0 ? size : index) - 1; if (to >= 0) show(await ask('state?index=' + to)); }
});
ask('state').then(show);
</script></body></html>
`;
}
