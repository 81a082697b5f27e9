/** PDF files for tests: Chinese text in a font that is not embedded (Adobe-GB1, UniGB-UCS2-H), placed line by line. */

export interface PlacedText {
  text: string;
  x: number;
  y: number;
  size?: number;
  /** Degrees, against the clock. */
  turned?: number;
}

/** Pages of A4 in points, y from below. @param encrypted says that a password is needed, which nobody knows */
export function pdfOf(pages: readonly (readonly PlacedText[])[], { encrypted = false } = {}): Buffer {
  const objects: string[] = [];
  const add = (object: string) => objects.push(object);
  add('<</Type/Catalog/Pages 2 0 R>>');
  add(`<</Type/Pages/Count ${pages.length}/Kids[${pages.map((_, at) => `${5 + 2 * at} 0 R`).join(' ')}]>>`);
  add('<</Type/Font/Subtype/Type0/BaseFont/STSong-Light/Encoding/UniGB-UCS2-H/DescendantFonts[4 0 R]>>');
  add(
    '<</Type/Font/Subtype/CIDFontType0/BaseFont/STSong-Light/CIDSystemInfo<</Registry(Adobe)/Ordering(GB1)/Supplement 4>>/DW 1000/W[1 95 500]/FontDescriptor<</Type/FontDescriptor/FontName/STSong-Light/Flags 4/FontBBox[0 -200 1000 900]/ItalicAngle 0/Ascent 880/Descent -120/CapHeight 700/StemV 80>>>>',
  );
  for (const [at, texts] of pages.entries()) {
    add(`<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</Font<</F 3 0 R>>>>/Contents ${6 + 2 * at} 0 R>>`);
    const content = texts.map(placed).join('\n');
    add(`<</Length ${content.length}>>stream\n${content}\nendstream`);
  }
  let file = '%PDF-1.4\n';
  const offsets = objects.map((object, at) => {
    const offset = file.length;
    file += `${at + 1} 0 obj\n${object}\nendobj\n`;
    return offset;
  });
  const start = file.length;
  const entries = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('');
  const key = '00'.repeat(32);
  const lock = encrypted ? `/Encrypt<</Filter/Standard/V 1/R 2/O<${key}>/U<${key}>/P -4>>/ID[<00><00>]` : '';
  file += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${entries}`;
  file += `trailer<</Size ${objects.length + 1}/Root 1 0 R${lock}>>\nstartxref\n${start}\n%%EOF\n`;
  return Buffer.from(file, 'latin1');
}

function placed({ text, x, y, size = 12, turned = 0 }: PlacedText): string {
  const codes = Buffer.from(text, 'utf16le').swap16().toString('hex');
  const [cos, sin] = [Math.cos((turned * Math.PI) / 180), Math.sin((turned * Math.PI) / 180)];
  return `BT /F ${size} Tf ${cos.toFixed(4)} ${sin.toFixed(4)} ${(-sin).toFixed(4)} ${cos.toFixed(4)} ${x} ${y} Tm <${codes}> Tj ET`;
}
