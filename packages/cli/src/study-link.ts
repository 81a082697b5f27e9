/** What whoever runs a study gives to its judges. */
import type { StudyInfo } from '@tunan/protocol/studies';
import { text } from './language.ts';

/** @param url of the server */
export function studyLink({ id, invited }: Pick<StudyInfo, 'id' | 'invited'>, url: string): string {
  const link = `${url}/#/study/${id}${invited ? '/CODE' : ''}`;
  return text(
    `judges of the study get ${link}${invited ? ', each with a CODE of invitations.txt' : ''}`,
    `评审链接：${link}${invited ? '（CODE 为 invitations.txt 中各人的邀请码）' : ''}`,
  );
}
