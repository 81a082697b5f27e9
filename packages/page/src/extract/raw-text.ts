/**
 * What stands in elements whose content is no markup (`<script>`, `<style>`), one element at a time, as it stands. The last one is
 * left out where its end is missing.
 */
export function* rawTexts(html: string, tag: 'script' | 'style'): Generator<string> {
  const begin = new RegExp(`<${tag}`, 'gi');
  const end = new RegExp(`</${tag}`, 'gi');
  for (let found = begin.exec(html); found !== null; found = begin.exec(html)) {
    const open = html.indexOf('>', found.index);
    end.lastIndex = open;
    const close = open < 0 ? null : end.exec(html);
    if (close === null) return;
    yield html.slice(open + 1, close.index);
    begin.lastIndex = end.lastIndex;
  }
}
