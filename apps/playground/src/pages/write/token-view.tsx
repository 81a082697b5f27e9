/**
 * An answer token by token: how sure the model was of each, and what else was likely in its place. One of the tokens is in the order of the
 * Tab key, arrow keys go on from there.
 */
import { useEffect, useRef, useState } from 'preact/hooks';
import { percent } from '../../language.ts';
import { placeBeside } from '../../parts/place-beside.ts';
import { type Answer, textOf } from './answer.ts';
import { isBytes, type Piece, shownToken } from './pieces.ts';
import { say } from './words.ts';
import { goOn } from './writing.ts';

const STEPS: Readonly<Record<string, number>> = { ArrowLeft: -1, ArrowRight: 1 };

interface TokenViewProps {
  readonly at: number;
  readonly answer: Answer;
}

export function TokenView({ at, answer }: TokenViewProps) {
  const [focused, setFocused] = useState(0);
  const [opened, setOpened] = useState<number>();
  const row = useRef<HTMLSpanElement>(null);
  const { promptPieces = [] } = answer;
  const pieces = [...promptPieces, ...answer.pieces];
  const current = Math.min(focused, pieces.length - 1);
  const buttons = () => row.current?.querySelectorAll<HTMLElement>('[role=button]') ?? [];
  const move = (event: KeyboardEvent) => {
    const step = STEPS[event.key];
    if (step === undefined) return;
    event.preventDefault();
    buttons()[Math.min(Math.max(current + step, 0), pieces.length - 1)]?.focus();
  };
  const close = () => {
    setOpened(undefined);
    if (opened !== undefined) buttons()[opened]?.focus();
  };
  return (
    <>
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is a block, and these are parts of a text */}
      <span class="write-tokens" role="group" aria-label={say().views.tokens} ref={row} onKeyDown={move}>
        {pieces.map((piece, place) => (
          <Token
            key={place}
            piece={piece}
            isGiven={place < promptPieces.length}
            isCurrent={place === current}
            isOpened={place === opened}
            onFocus={() => setFocused(place)}
            onOpen={() => setOpened(place === opened ? undefined : place)}
          />
        ))}
      </span>
      {opened !== undefined && pieces[opened] !== undefined && (
        <GuessCard at={at} answer={answer} place={opened} anchor={() => buttons()[opened]} onClose={close} />
      )}
    </>
  );
}

interface TokenProps {
  readonly piece: Piece;
  /** Of the prompt. */
  readonly isGiven: boolean;
  readonly isCurrent: boolean;
  readonly isOpened: boolean;
  readonly onFocus: () => void;
  readonly onOpen: () => void;
}

function Token({ piece, isGiven, isCurrent, isOpened, onFocus, onOpen }: TokenProps) {
  const { text, token = '', logprob, origin } = piece;
  const share = logprob === undefined ? undefined : Math.exp(logprob);
  const openByKey = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' && event.key !== ' ') return;
    event.preventDefault();
    onOpen();
  };
  const shownText = text === '' ? <small>{isBytes(token) ? shownToken(token) : say().endMark}</small> : text;
  return (
    // biome-ignore lint/a11y/useSemanticElements: a button is one box to the line breaker, which then puts commas at the beginning of lines
    <span
      role="button"
      class={`write-token ${surenessOf(share)}${origin === undefined ? '' : ` ${origin}`}${isGiven ? ' given' : ''}`}
      aria-label={say().token(shownToken(text || token), share === undefined ? '?' : percent(share))}
      aria-expanded={isOpened}
      tabIndex={isCurrent ? 0 : -1}
      onFocus={onFocus}
      onClick={onOpen}
      onKeyDown={openByKey}
    >
      {shownText}
    </span>
  );
}

/** In steps, because a colour for each probability would need styles in the page's markup. */
function surenessOf(share: number | undefined): string {
  if (share === undefined || share >= 0.7) return 'sure';
  if (share >= 0.3) return 'likely';
  return share >= 0.08 ? 'open' : 'surprise';
}

interface GuessCardProps {
  readonly at: number;
  readonly answer: Answer;
  readonly place: number;
  readonly anchor: () => Element | undefined;
  readonly onClose: () => void;
}

function GuessCard({ at, answer, place, anchor, onClose }: GuessCardProps) {
  const card = useRef<HTMLDivElement>(null);
  const { promptPieces = [] } = answer;
  const pieces = [...promptPieces, ...answer.pieces];
  const { guesses, token, origin } = pieces[place]!;
  useEffect(() => {
    const [floating, beside] = [card.current, anchor()];
    if (floating === null || beside === undefined) return;
    floating.showPopover();
    placeBeside(beside, floating);
    (floating.querySelector<HTMLElement>('button:enabled') ?? floating).focus();
  }, [place]);
  const choose = (chosen: string, logprob: number) => {
    onClose();
    const piece: Piece = { text: chosen, token: chosen, logprob, guesses, origin: 'chosen' };
    const given = promptPieces.length;
    if (place < given) goOn(at, [piece], textOf({ pieces: promptPieces.slice(0, place) }));
    else goOn(at, [...answer.pieces.slice(0, place - given), piece]);
  };
  const isChat = answer.asked.route !== 'completions';
  const isTyped = place < promptPieces.length;
  const whose = origin === 'chosen' ? say().chosen : isTyped ? say().typed : say().taken;
  return (
    <div
      class="write-guesses"
      popover="auto"
      role="dialog"
      aria-label={say().guesses}
      tabIndex={-1}
      ref={card}
      onToggle={(event) => event.newState === 'closed' && onClose()}
    >
      <p class="write-guesses-title">{say().guesses}</p>
      <ul>
        {guesses.map(({ token: guess, logprob }) => {
          const why = guess === token ? whose : whyNot(guess, isChat);
          return (
            <li key={guess}>
              <button
                type="button"
                disabled={why !== undefined}
                title={why ?? say().choose(shownToken(guess))}
                onClick={() => choose(guess, logprob)}
              >
                <span class="write-guess-token">
                  {isEnd(guess) ? say().endMark : shownToken(guess)}
                  {guess === token && <small>{whose}</small>}
                </span>
                <meter min={0} max={1} value={Math.exp(logprob)} aria-hidden="true" />
                <span class="write-guess-share">{percent(Math.exp(logprob))}</span>
              </button>
            </li>
          );
        })}
      </ul>
      {isChat && <p class="write-hint">{say().noBranchInChat}</p>}
    </div>
  );
}

/** Why a token cannot be put in the place of another. */
function whyNot(guess: string, isChat: boolean): string | undefined {
  if (isChat) return say().noBranchInChat;
  if (isEnd(guess)) return say().endMark;
  return isBytes(guess) ? say().noTextGuess : undefined;
}

/** Marks of a vocabulary, such as <eod> and <|im_end|>, are no text. */
const isEnd = (token: string): boolean => /^<\|?[A-Za-z_]+\|?>$/.test(token);
