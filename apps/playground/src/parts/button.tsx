/** A button. `main` is the one thing to do on a page; `quiet` has no frame until it is pointed at. */
import type { ButtonHTMLAttributes, ComponentChildren } from 'preact';
import { Icon, type IconName } from './icon.tsx';
import './button.css';

interface ButtonProps extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'icon' | 'class'> {
  readonly kind?: 'main' | 'plain' | 'quiet' | 'danger';
  readonly small?: boolean;
  readonly icon?: IconName;
  readonly type?: 'button' | 'submit';
  readonly disabled?: boolean;
  readonly class?: string;
  readonly children?: ComponentChildren;
}

export function Button({
  kind = 'plain',
  small = false,
  icon,
  type = 'button',
  class: more = '',
  children,
  ...rest
}: ButtonProps) {
  const only = children === undefined;
  return (
    <button type={type} class={`button ${kind}${small ? ' small' : ''}${only ? ' only-icon' : ''} ${more}`} {...rest}>
      {icon !== undefined && <Icon name={icon} />}
      {children}
    </button>
  );
}
