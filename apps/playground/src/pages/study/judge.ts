/**
 * One judge of one study in this browser: what the server said, what is chosen and not yet sent, and how long the text was in sight. The
 * number by which the server knows the judge, and a choice that was not sent, outlive a reload.
 */
import { computed, type Signal, signal } from '@preact/signals';
import type { StudyAnswer, StudyInfo, StudyJoined, StudyProgress } from '@tunan/protocol/studies';
import { isRecord, isText, kept } from '../../kept.ts';
import { ask, ServerError } from '../../server/ask.ts';

export type Phase = 'loading' | 'unknown' | 'failed' | 'consent' | 'forgotten' | 'judging' | 'done' | 'left';

interface Choice {
  readonly item: string;
  readonly answer?: StudyAnswer | undefined;
  readonly confidence?: number | undefined;
}

/** The server takes no more: a window may stand open for days. */
const MOST_SECONDS = 86_400;

const isChoice = (value: unknown): value is Choice => isRecord(value) && isText(value.item);

export class StudyJudge {
  readonly phase = signal<Phase>('loading');
  readonly info = signal<StudyInfo | undefined>(undefined);
  readonly progress = signal<StudyProgress | undefined>(undefined);
  /** Seconds until an answer is taken. */
  readonly wait = signal(0);
  readonly refusal = signal<string | undefined>(undefined);
  /** Whether the last text was judged in another window. */
  readonly elsewhere = signal(false);
  readonly sending = signal(false);
  readonly choice: Signal<Choice>;
  readonly #token: Signal<string>;
  readonly #path: string;
  readonly #invitation: string | undefined;
  #readyAt = 0;
  #seenMilliseconds = 0;
  #seenSince: number | undefined;

  constructor(study: string, invitation: string | undefined) {
    this.#path = `studies/${encodeURIComponent(study)}`;
    this.#invitation = invitation;
    this.#token = kept(`study.${study}`, '', isText);
    this.choice = kept<Choice>(`study.${study}.choice`, { item: '' }, isChoice);
  }

  readonly complete = computed(() => {
    const { answer, confidence } = this.choice.value;
    return answer !== undefined && confidence !== undefined;
  });

  /** @returns what to call when the page is left */
  start(): () => void {
    void this.load();
    const tick = setInterval(() => this.#tick(), 200);
    const onSight = () => this.#sight();
    document.addEventListener('visibilitychange', onSight);
    return () => {
      clearInterval(tick);
      document.removeEventListener('visibilitychange', onSight);
    };
  }

  async load(): Promise<void> {
    try {
      this.info.value = await ask<StudyInfo>(this.#path);
      if (this.#token.peek() === '') this.phase.value = 'consent';
      else this.#show(await ask<StudyProgress>(`${this.#path}/next`, this.#asJudge()));
    } catch (error) {
      this.#failed(error);
    }
  }

  async join(): Promise<void> {
    this.refusal.value = undefined;
    const invitation = this.#invitation === undefined ? {} : { invitation: this.#invitation };
    try {
      const { judge, ...progress } = await ask<StudyJoined>(`${this.#path}/judges`, {
        ...{ method: 'POST', body: { consent: true, ...invitation } },
      });
      this.#token.value = judge;
      this.#show(progress);
    } catch (error) {
      this.refusal.value = messageOf(error);
    }
  }

  choose(part: Omit<Choice, 'item'>): void {
    this.choice.value = { ...this.choice.value, ...part };
  }

  async send(): Promise<void> {
    const { item, answer, confidence } = this.choice.peek();
    if (this.sending.peek() || this.wait.peek() > 0 || answer === undefined || confidence === undefined) return;
    this.sending.value = true;
    this.refusal.value = undefined;
    this.#sight();
    const body = { item, answer, confidence, seen_seconds: Math.min(MOST_SECONDS, this.#seenMilliseconds / 1000) };
    try {
      this.#show(await ask<StudyProgress>(`${this.#path}/judgements`, { ...this.#asJudge(), method: 'POST', body }));
      this.elsewhere.value = false;
    } catch (error) {
      if (error instanceof ServerError && error.code === 'already_answered') await this.#refresh();
      else this.#failed(error);
    } finally {
      this.sending.value = false;
    }
  }

  async leave(): Promise<void> {
    try {
      await ask(`${this.#path}/judges`, { ...this.#asJudge(), method: 'DELETE' });
      this.#token.value = '';
      this.choice.value = { item: '' };
      this.phase.value = 'left';
    } catch (error) {
      this.#failed(error);
    }
  }

  #asJudge() {
    return { headers: { 'x-judge': this.#token.peek() } };
  }

  /** Asks again what is to be judged: another window may have gone on. */
  async #refresh(): Promise<void> {
    try {
      const before = this.progress.peek()?.item?.id;
      const now = await ask<StudyProgress>(`${this.#path}/next`, this.#asJudge());
      if (now.item?.id === before) return;
      this.#show(now);
      this.elsewhere.value = true;
    } catch (error) {
      this.#failed(error);
    }
  }

  #show(progress: StudyProgress): void {
    const { item } = progress;
    this.refusal.value = undefined;
    this.progress.value = progress;
    this.phase.value = item === null ? 'done' : 'judging';
    if (item === null) return;
    if (this.choice.peek().item !== item.id) this.choice.value = { item: item.id };
    this.#readyAt = performance.now() + 1000 * item.wait_seconds;
    this.#seenMilliseconds = 0;
    this.#seenSince = document.visibilityState === 'visible' ? performance.now() : undefined;
    this.#tick();
  }

  #tick(): void {
    this.wait.value = Math.max(0, Math.ceil((this.#readyAt - performance.now()) / 1000));
  }

  #sight(): void {
    const now = performance.now();
    if (this.#seenSince !== undefined) this.#seenMilliseconds += now - this.#seenSince;
    const isVisible = document.visibilityState === 'visible';
    const came = isVisible && this.#seenSince === undefined;
    this.#seenSince = isVisible ? now : undefined;
    if (came && this.phase.peek() === 'judging' && !this.sending.peek()) void this.#refresh();
  }

  #failed(error: unknown): void {
    if (error instanceof ServerError && error.code === 'unknown_judge') {
      this.#token.value = '';
      this.phase.value = 'forgotten';
      return;
    }
    if (error instanceof ServerError && error.status === 404) this.phase.value = 'unknown';
    else if (this.phase.peek() === 'loading') this.phase.value = 'failed';
    this.refusal.value = messageOf(error);
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
