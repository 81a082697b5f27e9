/** Numbers of lists in the formats that Chinese documents use. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatNumber } from './list-numbers.ts';

test('numbers in their formats', () => {
  const cases: [number, string, string][] = [
    [12, 'chineseCounting', '十二'],
    [20, 'chineseCountingThousand', '二十'],
    [105, 'chineseCounting', '一百零五'],
    [110, 'chineseCounting', '一百一十'],
    [1_010, 'chineseCountingThousand', '一千零一十'],
    [12, 'chineseLegalSimplified', '壹拾贰'],
    [3, 'ideographTraditional', '丙'],
    [12, 'ideographZodiac', '亥'],
    [4, 'decimalEnclosedCircleChinese', '④'],
    [14, 'upperRoman', 'XIV'],
    [28, 'lowerLetter', 'bb'],
    [7, 'decimalZero', '07'],
    [12, 'decimalFullWidth', '１２'],
    [5, 'unheard-of', '5'],
  ];
  for (const [n, format, text] of cases) assert.equal(formatNumber(n, format), text, `${n} ${format}`);
});
