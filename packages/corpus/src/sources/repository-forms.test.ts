import assert from 'node:assert/strict';
import { test } from 'node:test';
import { markupText, translatedText, xmlText } from './repository-forms.ts';

test('Markdown: words stay; head matter, code, pictures, addresses and marks go', () => {
  const source = `---
title: 启动
---
import Tabs from 'tabs'
# **启动** 实例 #

<!-- 注 -->请点击[“启动”](https://a.example/b_(c))按钮，见 \`run\` 与[手册][1]。![图](a.png)

\`\`\`bash
npm start
\`\`\`
:::note
- 第一步，*很*重要
:::

| 名称 | 含义 |
|---|:-:|
| a | 甲 |

[1]: https://a.example
`;
  assert.equal(
    markupText(source, 'a.md'),
    '启动 实例\n\n请点击“启动”按钮，见 run 与手册。\n\n- 第一步，很重要\n\n| 名称 | 含义 |\n| a | 甲 |',
  );
});

test('reStructuredText: roles and links give their words, code and pictures go, notes stay', () => {
  const source = `标题
====

.. _label:

参见 :ref:\`入门 <start>\` 与 \`官网 <https://a.example>\`_，用 \`\`run\`\` 启动。

.. code-block:: c

    int main;

.. note:: 请先\`\`备份\`\`。

.. image:: a.png
   :width: 3

结束。
`;
  assert.equal(markupText(source, 'a.rst'), '标题\n\n参见 入门 与 官网，用 run 启动。\n\n请先备份。\n\n结束。');
});

test('XML: a block a line, with what stands inside it', () => {
  const xml = `<?xml version="1.0"?><doc><title>关于</title><p>用 <b>手册</b>中的
    例子。</p><speech><p>甲：好。</p><p>乙：&lt;好&gt;。</p></speech></doc>`;
  assert.equal(xmlText(xml), '关于\n用手册中的例子。\n甲：好。\n乙：<好>。');
});

test('gettext: translations alone, over several lines; no head, nothing untranslated or withdrawn', () => {
  const catalogue = `msgid ""
msgstr "Language: zh\\n"

#: a.rst:1
msgid "About"
msgstr "关于"
msgid "Two "
"lines"
msgstr ""
"两行，"
"\\"引号\\"。"

msgid "%d file"
msgid_plural "%d files"
msgstr[0] "%d 个文件"

msgid "See :ref:\`x\`"
msgstr "参见 :ref:\`入门 <start>\` 的 \`\`run\`\`。"

msgid "None"
msgstr ""

#~ msgid "Old"
#~ msgstr "旧"
`;
  assert.equal(translatedText(catalogue), '关于\n两行，"引号"。\n%d 个文件\n参见 入门 的 run。');
});
