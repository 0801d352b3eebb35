import { boot } from "../common/boot.ts";
import { HubError } from "../common/errors.ts";
import type { FileInfo } from "../common/types.ts";

interface Answer {
  file?: FileInfo;
  error?: { code: string; message: string; details?: Record<string, unknown> };
}

/**
 * Uploads a file for a contact; `onProgress` gets shares from 0 to 1. XMLHttpRequest, since fetch tells no progress.
 * @throws HubError with the server's code, "net.offline" when the connection fails
 */
export function upload(contact: string, file: File, onProgress: (share: number) => void): Promise<FileInfo> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", "/api/v1/files");
    request.responseType = "json";
    request.setRequestHeader("X-CSRF-Token", boot.csrf);
    request.setRequestHeader("X-Contact", contact);
    request.setRequestHeader("X-File-Name", encodeURIComponent(file.name));
    request.setRequestHeader("Content-Type", file.type || "application/octet-stream");
    request.upload.onprogress = ({ loaded, total }) => onProgress(total ? loaded / total : 0);
    request.onerror = () => reject(new HubError("net.offline"));
    request.onload = () => {
      const answer = (request.response ?? {}) as Answer;
      if (answer.file) return resolve(answer.file);
      const { code = `http.${request.status}`, message, details } = answer.error ?? {};
      reject(new HubError(code, message, details, request.status));
    };
    request.send(file);
  });
}
