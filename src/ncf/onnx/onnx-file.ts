/**
 * ONNX files (onnx.proto, IR version 8, operator set 13), written byte by byte: protocol buffers are tagged fields, and a model
 * needs few of them. The numbers of `bytesField` and `integerField` are those of onnx.proto.
 */
import { NcfError } from "../../core/errors.ts";

const irVersion = 8;
const operatorSet = 13;
/** Protocol buffers hold less than 2 GiB. */
const maxBytes = 2 ** 31 - 1;

const encoder = new TextEncoder();

export type OnnxType = "float32" | "int64";
const typeNumbers: Readonly<Record<OnnxType, number>> = { float32: 1, int64: 7 };

/** Computes `output` from named values. */
export interface OnnxNode {
  /** Such as "Gemm". */
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly output: string;
}

export interface OnnxConstant {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array | BigInt64Array;
}

/** What goes in or comes out; a dimension by name may have any size. */
export interface OnnxValue {
  readonly name: string;
  readonly type: OnnxType;
  readonly shape: readonly (string | number)[];
}

export interface OnnxGraph {
  readonly name: string;
  /** In an order in which each finds its inputs. */
  readonly nodes: readonly OnnxNode[];
  readonly constants: readonly OnnxConstant[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
}

/**
 * @param metadata what readers find as the model's metadata, by name
 * @throws NcfError `MODEL_TOO_LARGE`
 */
export function encodeOnnx(graph: OnnxGraph, metadata: Readonly<Record<string, string>>): Uint8Array {
  const graphBytes = message([
    ...graph.nodes.map((node) => bytesField(1, nodeBytes(node))),
    textField(2, graph.name),
    ...graph.constants.map((constant) => bytesField(5, tensorBytes(constant))),
    ...graph.inputs.map((value) => bytesField(11, valueBytes(value))),
    ...graph.outputs.map((value) => bytesField(12, valueBytes(value))),
  ]);
  const entries = Object.entries(metadata).map(([key, value]) => message([textField(1, key), textField(2, value)]));
  return joined(
    message([
      integerField(1, irVersion),
      textField(2, "ncf-stream"),
      bytesField(7, graphBytes),
      bytesField(8, message([integerField(2, operatorSet)])),
      ...entries.map((entry) => bytesField(14, entry)),
    ]),
  );
}

/** Bytes in pieces, so that tables are copied once, at the end. */
type Pieces = readonly Uint8Array[];

function nodeBytes({ operator, inputs, output }: OnnxNode): Pieces {
  return message([
    ...inputs.map((name) => textField(1, name)),
    textField(2, output),
    textField(3, `${operator} to ${output}`),
    textField(4, operator),
  ]);
}

function tensorBytes({ name, shape, data }: OnnxConstant): Pieces {
  return message([
    ...shape.map((size) => integerField(1, size)),
    integerField(2, typeNumbers[data instanceof Float32Array ? "float32" : "int64"]),
    textField(8, name),
    bytesField(9, [new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]),
  ]);
}

function valueBytes({ name, type, shape }: OnnxValue): Pieces {
  const dimensions = shape.map((size) =>
    bytesField(1, typeof size === "number" ? integerField(1, size) : textField(2, size)),
  );
  const tensorType = message([integerField(1, typeNumbers[type]), bytesField(2, message(dimensions))]);
  return message([textField(1, name), bytesField(2, bytesField(1, tensorType))]);
}

function message(fields: readonly Pieces[]): Pieces {
  return fields.flat();
}

function textField(number: number, text: string): Pieces {
  return bytesField(number, [encoder.encode(text)]);
}

function bytesField(number: number, content: Pieces): Pieces {
  const length = content.reduce((sum, piece) => sum + piece.length, 0);
  return [varint(number * 8 + 2), varint(length), ...content];
}

function integerField(number: number, value: number): Pieces {
  return [varint(number * 8), varint(value)];
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Uint8Array.from([...bytes, rest]);
}

function joined(pieces: Pieces): Uint8Array {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  if (length > maxBytes) {
    throw new NcfError(
      "MODEL_TOO_LARGE",
      `expected an ONNX file of less than 2 GiB, found one of ${length} bytes. Train a narrower model`,
    );
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
