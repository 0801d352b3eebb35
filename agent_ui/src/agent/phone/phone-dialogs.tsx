import { dialog } from "./dialogs.ts";
import { DialDialog } from "./dial.tsx";
import { KeypadDialog } from "./keypad.tsx";
import { SetupDialog } from "./setup.tsx";
import { TroubleDialog } from "./trouble.tsx";

/** The place of the phone's dialogs; once in a page. */
export function PhoneDialogs() {
  const open = dialog.value;
  const close = () => (dialog.value = null);
  return (
    <>
      {open?.name === "keypad" && <KeypadDialog contact={open.contact} onClose={close} />}
      {open?.name === "setup" && <SetupDialog contact={open.contact} onClose={close} />}
      {open?.name === "dial" && <DialDialog onClose={close} />}
      <TroubleDialog />
    </>
  );
}
