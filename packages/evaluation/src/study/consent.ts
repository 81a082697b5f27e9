/** What judges agree to before they see a text, where the study brings no words of its own. */
import type { Said } from '@tunan/protocol/mistakes';

export interface ConsentFacts {
  readonly by: string;
  readonly items: number;
  readonly minutes: number;
}

export function consentText({ by, items, minutes }: ConsentFacts): Said {
  return {
    zh: [
      `本研究想知道：读者能否分辨文本是人写的还是语言模型写的。研究者与联系方式：${by}。`,
      `您将依次阅读 ${items} 篇短文本，约需 ${minutes} 分钟，可以中途离开，以后在同一浏览器中继续。每篇请只凭阅读判断，不要搜索。`,
      '参加完全自愿。您可以随时停止，也可以在页面上删除自己已给出的全部判断，无须说明理由。',
      '我们保存：您的判断、把握程度与用时。不保存：姓名、账号、网络地址。您的浏览器中会存有一个随机编号，用来续答。',
      '部分文本由机器生成，内容可能不实，也可能令人不快。结果将以汇总形式发表，并公开不含身份的逐条数据。',
      '点击“同意并开始”表示您已年满 18 周岁，读过以上说明并愿意参加。',
    ].join('\n'),
    en: [
      `This study asks whether readers can tell texts written by people from texts written by a language model. It is run by: ${by}.`,
      `You will read ${items} short Chinese texts, one after the other; this takes about ${minutes} minutes. You may leave and go on later in the same browser. Please judge by reading alone, and do not search.`,
      'Taking part is voluntary. You may stop at any time, and delete all your judgements on the page, without giving a reason.',
      'We keep your judgements, how certain you were and how long you took. We do not keep names, accounts or network addresses. Your browser holds a random number, so that you can go on.',
      'Some of the texts are made by a machine: they may be untrue or unpleasant. Results are published as sums, and single judgements without identities.',
      'By choosing “Agree and begin” you say that you are at least 18 years old, have read this and want to take part.',
    ].join('\n'),
  };
}
