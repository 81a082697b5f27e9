/** Small documents for tests, made part by part as their formats are written. */
import { strToU8, zipSync } from 'fflate';

const R = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
const HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';

export function zipOf(parts: Readonly<Record<string, string | Uint8Array>>, level: 0 | 1 = 1): Uint8Array {
  return zipSync(
    Object.fromEntries(
      Object.entries(parts).map(([name, content]) => [name, typeof content === 'string' ? strToU8(content) : content]),
    ),
    { level },
  );
}

function relationships(targets: readonly (readonly [id: string, type: string, target: string])[]): string {
  const all = targets.map(([id, type, target]) => `<Relationship Id="${id}" Type="${R}/${type}" Target="${target}"/>`);
  return `${HEAD}<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">${all.join('')}</Relationships>`;
}

/** Parts of a package with its main part. */
function packageOf(main: string, others: Readonly<Record<string, string | Uint8Array>>) {
  return zipOf({
    '[Content_Types].xml': `${HEAD}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>`,
    '_rels/.rels': relationships([['rId1', 'officeDocument', main]]),
    ...others,
  });
}

/** A Word document with this body; styles, numbering and footnotes by their XML. */
export function wordOf(
  body: string,
  others: { styles?: string; numbering?: string; footnotes?: string; macros?: Uint8Array } = {},
): Uint8Array {
  const W =
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" xmlns:r="r" xmlns:m="m" xmlns:mc="mc"';
  const { styles = '', numbering = '', footnotes = '', macros } = others;
  return packageOf('word/document.xml', {
    'word/document.xml': `${HEAD}<w:document ${W}><w:body>${body}</w:body></w:document>`,
    'word/_rels/document.xml.rels': relationships([
      ['rId1', 'styles', 'styles.xml'],
      ['rId2', 'numbering', 'numbering.xml'],
      ['rId3', 'footnotes', 'footnotes.xml'],
    ]),
    'word/styles.xml': `${HEAD}<w:styles ${W}>${styles}</w:styles>`,
    'word/numbering.xml': `${HEAD}<w:numbering ${W}>${numbering}</w:numbering>`,
    'word/footnotes.xml': `${HEAD}<w:footnotes ${W}>${footnotes}</w:footnotes>`,
    ...(macros === undefined ? {} : { 'word/vbaProject.bin': macros }),
  });
}

/** A paragraph of Word: its text, and what stands in `pPr`. */
export function paragraph(text: string, form = ''): string {
  return `<w:p><w:pPr>${form}</w:pPr><w:r><w:t xml:space="preserve">${text}</w:t></w:r></w:p>`;
}

/** Sheets by name, each the XML of its rows. */
export function workbookOf(
  sheets: Readonly<Record<string, string>>,
  { texts = [], styles = '', hidden = [] }: { texts?: string[]; styles?: string; hidden?: string[] } = {},
): Uint8Array {
  const names = Object.keys(sheets);
  const list = names.map(
    (name, at) =>
      `<sheet name="${name}" sheetId="${at + 1}"${hidden.includes(name) ? ' state="hidden"' : ''} r:id="rId${at + 1}"/>`,
  );
  return packageOf('xl/workbook.xml', {
    'xl/workbook.xml': `${HEAD}<workbook xmlns:r="${R}"><sheets>${list.join('')}</sheets></workbook>`,
    'xl/_rels/workbook.xml.rels': relationships([
      ...names.map((_, at) => [`rId${at + 1}`, 'worksheet', `worksheets/sheet${at + 1}.xml`] as const),
      ['rIdS', 'sharedStrings', 'sharedStrings.xml'],
      ['rIdF', 'styles', 'styles.xml'],
    ]),
    'xl/sharedStrings.xml': `${HEAD}<sst>${texts.map((text) => `<si>${text}</si>`).join('')}</sst>`,
    'xl/styles.xml': `${HEAD}<styleSheet>${styles}</styleSheet>`,
    ...Object.fromEntries(
      names.map((name, at) => [
        `xl/worksheets/sheet${at + 1}.xml`,
        `${HEAD}<worksheet><sheetData>${sheets[name]}</sheetData></worksheet>`,
      ]),
    ),
  });
}

/** Rows of texts as the XML of a sheet. */
export function rowsOf(rows: readonly (readonly string[])[]): string {
  const cells = (row: readonly string[]) => row.map((text) => `<c t="inlineStr"><is><t>${text}</t></is></c>`).join('');
  return rows.map((row) => `<row>${cells(row)}</row>`).join('');
}

/** Slides, each the XML of its shapes; notes by the number of the slide from 0. */
export function presentationOf(slides: readonly string[], notes: Readonly<Record<number, string>> = {}): Uint8Array {
  const list = slides.map((_, at) => `<p:sldId id="${256 + at}" r:id="rId${at + 1}"/>`);
  const parts: Record<string, string> = {
    'ppt/presentation.xml': `${HEAD}<p:presentation xmlns:p="p" xmlns:r="${R}"><p:sldIdLst>${list.join('')}</p:sldIdLst></p:presentation>`,
    'ppt/_rels/presentation.xml.rels': relationships(
      slides.map((_, at) => [`rId${at + 1}`, 'slide', `slides/slide${at + 1}.xml`] as const),
    ),
  };
  for (const [at, slide] of slides.entries()) {
    parts[`ppt/slides/slide${at + 1}.xml`] = `${HEAD}<p:sld xmlns:p="p" xmlns:a="a">${slide}</p:sld>`;
    if (notes[at] === undefined) continue;
    parts[`ppt/notesSlides/note${at + 1}.xml`] = `${HEAD}<p:notes xmlns:p="p" xmlns:a="a">${notes[at]}</p:notes>`;
    parts[`ppt/slides/_rels/slide${at + 1}.xml.rels`] = relationships([
      ['rId1', 'notesSlide', `../notesSlides/note${at + 1}.xml`],
    ]);
  }
  return packageOf('ppt/presentation.xml', parts);
}

/** A shape of a slide that fills a placeholder; paragraphs with their levels. */
export function shape(place: string, ...paragraphs: (readonly [text: string, level?: number])[]): string {
  const all = paragraphs.map(([text, level = 0]) => `<a:p><a:pPr lvl="${level}"/><a:r><a:t>${text}</a:t></a:r></a:p>`);
  return `<p:sp><p:nvPr><p:ph type="${place}"/></p:nvPr><p:txBody>${all.join('')}</p:txBody></p:sp>`;
}

/** A book whose chapters are whole files, in the order of the spine. */
export function bookOf(
  chapters: Readonly<Record<string, string | Uint8Array>>,
  { title = '', author = '', encrypted = [] }: { title?: string; author?: string; encrypted?: string[] } = {},
): Uint8Array {
  const names = Object.keys(chapters);
  const items = names.map(
    (name, at) => `<item id="c${at}" href="${encodeURI(name)}" media-type="application/xhtml+xml"/>`,
  );
  const locked = encrypted.map((name) => `<CipherData><CipherReference URI="OPS/${encodeURI(name)}"/></CipherData>`);
  return zipOf({
    mimetype: 'application/epub+zip',
    'META-INF/container.xml': '<container><rootfiles><rootfile full-path="OPS/book.opf"/></rootfiles></container>',
    ...(locked.length === 0 ? {} : { 'META-INF/encryption.xml': `<encryption>${locked.join('')}</encryption>` }),
    'OPS/book.opf': `<package xmlns:dc="dc"><metadata><dc:title>${title}</dc:title><dc:creator>${author}</dc:creator></metadata><manifest>${items.join('')}</manifest><spine>${names.map((_, at) => `<itemref idref="c${at}"/>`).join('')}</spine></package>`,
    ...Object.fromEntries(names.map((name) => [`OPS/${name}`, chapters[name]!])),
  });
}
