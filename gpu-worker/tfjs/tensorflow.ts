/**
 * What the backend uses of TensorFlow.js, typed here: the package's install script downloads a library of half a gigabyte,
 * so the repository's own install and checks do without it. The tests run against the real package.
 */

export interface TfTensor {
  readonly shape: readonly number[];
  readonly size: number;
  add(other: TfTensor | number): TfTensor;
  sub(other: TfTensor | number): TfTensor;
  mul(other: TfTensor | number): TfTensor;
  div(other: TfTensor | number): TfTensor;
  square(): TfTensor;
  sqrt(): TfTensor;
  exp(): TfTensor;
  neg(): TfTensor;
  softplus(): TfTensor;
  pow(exponent: number): TfTensor;
  sum(axis: number): TfTensor;
  reshape(shape: readonly number[]): TfTensor;
  clone(): TfTensor;
  data(): Promise<Float32Array>;
  dataSync(): Float32Array;
  dispose(): void;
}

export interface TfVariable extends TfTensor {
  readonly name: string;
  /** Takes the other's values over; the former ones are freed. */
  assign(value: TfTensor): void;
}

/** A place in a graph of layers. */
export interface SymbolicTensor {
  readonly rank: number;
}

export interface LayerVariable {
  read(): TfVariable;
  write(value: TfTensor): LayerVariable;
}

export interface TfLayer {
  /** Trained ones first, each in the order of the layer's documentation. */
  readonly weights: readonly LayerVariable[];
  apply(inputs: SymbolicTensor | readonly SymbolicTensor[]): SymbolicTensor;
}

export interface LayersModel {
  apply(inputs: readonly TfTensor[], options: { readonly training: boolean }): TfTensor;
  predict(inputs: readonly TfTensor[]): TfTensor;
  save(handler: unknown): Promise<unknown>;
  dispose(): unknown;
}

/** A model as its save handlers get it. */
export interface ModelArtifacts {
  readonly modelTopology?: unknown;
  readonly weightSpecs?: unknown;
  readonly weightData?: ArrayBuffer | readonly ArrayBuffer[];
  readonly format?: string;
  readonly generatedBy?: string;
  readonly convertedBy?: string | null;
}

interface Named {
  readonly name: string;
}

export interface TensorFlow {
  readonly version: { readonly "tfjs-core": string };
  tidy<T>(work: () => T): T;
  tensor(values: Float32Array | Int32Array, shape: readonly number[], dtype: "float32" | "int32"): TfTensor;
  zeros(shape: readonly number[]): TfTensor;
  stack(tensors: readonly TfTensor[]): TfTensor;
  gather(table: TfTensor, indices: TfTensor): TfTensor;
  variable(initial: TfTensor, trainable: boolean): TfVariable;
  variableGrads(
    loss: () => TfTensor,
    variables: readonly TfVariable[],
  ): { value: TfTensor; grads: Readonly<Record<string, TfTensor>> };
  readonly losses: { sigmoidCrossEntropy(labels: TfTensor, logits: TfTensor): TfTensor };
  input(options: Named & { readonly shape: readonly number[]; readonly dtype?: "float32" | "int32" }): SymbolicTensor;
  model(
    options: Named & {
      readonly inputs: readonly SymbolicTensor[];
      readonly outputs: SymbolicTensor;
    },
  ): LayersModel;
  readonly layers: {
    embedding(options: Named & { inputDim: number; outputDim: number; embeddingsInitializer: "zeros" }): TfLayer;
    dense(options: Named & { units: number; kernelInitializer: "zeros"; useBias?: boolean }): TfLayer;
    batchNormalization(options: Named & { momentum: number; epsilon: number }): TfLayer;
    activation(options: Named & { activation: "relu" | "sigmoid" }): TfLayer;
    dot(options: Named & { axes: number }): TfLayer;
    add(options: Named): TfLayer;
    concatenate(options: Named): TfLayer;
    flatten(options: Named): TfLayer;
    multiply(options: Named): TfLayer;
  };
  readonly io: { withSaveHandler(handler: (artifacts: ModelArtifacts) => Promise<unknown>): unknown };
  loadLayersModel(url: string): Promise<LayersModel>;
  profile(work: () => Promise<void>): Promise<{ readonly kernels: readonly unknown[] }>;
  memory(): { readonly numTensors: number };
  /** TensorFlow's own library behind the package. */
  backend(): { readonly binding?: { readonly TF_Version?: string }; readonly isUsingGpuDevice?: boolean };
}
