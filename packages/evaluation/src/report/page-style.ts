/** The look of evaluation pages: light and dark, no web fonts. */

export const PAGE_STYLE = `
:root{--ink:#1d2129;--soft:#697079;--line:#dfe3e8;--paper:#fff;--wash:#f4f6f8;--main:#2b6cb0;--good:43,108,176;--bad:192,86,33}
@media(prefers-color-scheme:dark){:root{--ink:#e6e8eb;--soft:#9aa3ad;--line:#343a42;--paper:#16191d;--wash:#1f2429;--main:#63a4e8;--good:99,164,232;--bad:237,143,85}}
*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.55 system-ui,"Noto Sans CJK SC","PingFang SC","Microsoft YaHei",sans-serif}
main{max-width:72rem;margin:0 auto;padding:2rem 1.2rem 4rem}h1{font-size:1.8rem;margin:0}h2{font-size:1.2rem;margin:2.4rem 0 .7rem;border-bottom:1px solid var(--line);padding-bottom:.3rem}
h3{font-size:.95rem;margin:1rem 0 .4rem}.soft{color:var(--soft);font-size:.87rem;font-weight:400}a{color:var(--main);text-decoration:none}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:.8rem;margin:1.3rem 0}.tile{background:var(--wash);border-radius:.6rem;padding:.8rem 1rem}.tile b{display:block;font-size:1.3rem;font-variant-numeric:tabular-nums}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}th,td{text-align:left;padding:.28rem .6rem .28rem 0;border-bottom:1px solid var(--line);vertical-align:middle}th{font-size:.82rem;font-weight:600}td.n,th.n{text-align:right;white-space:nowrap}td.chart{width:24%;padding-left:.8rem}tr.total td{font-weight:600;background:var(--wash)}
.wide{overflow-x:auto}.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(22rem,1fr));gap:2rem}
.confusion td{padding-right:.8rem}.confusion td.good{background:rgba(var(--good),calc(var(--share)*.7))}.confusion td.bad{background:rgba(var(--bad),calc(var(--share)*.7))}
svg{width:100%;height:auto;display:block}svg text{fill:var(--soft);font-size:11px}svg .bar{fill:var(--main)}svg .line{stroke:var(--main);fill:none;stroke-width:2}svg .dot{fill:var(--main)}svg .grid{stroke:var(--line)}svg .tick{stroke:var(--soft);stroke-width:2}svg .whisker{stroke:var(--ink)}
details{padding:.5rem 0}summary{cursor:pointer;color:var(--main)}blockquote{margin:.5rem 0;padding:.4rem .8rem;background:var(--wash);border-left:3px solid rgb(var(--bad));white-space:pre-wrap}blockquote.prompt{border-left-color:var(--main)}mark{background:rgba(var(--good),.25);color:inherit}code{font-size:.85em;color:var(--soft);overflow-wrap:anywhere}`;

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
