// Coefficients of PPND16 as doubles: Wichura, "Algorithm AS 241", Applied Statistics 37(3), 1988. Error about 1e-16.
const CENTRAL = [
  [
    3.3871328727963665, 133.14166789178438, 1971.5909503065513, 13731.69376550946, 45921.95393154987, 67265.7709270087,
    33430.57558358813, 2509.0809287301227,
  ],
  [
    1, 42.31333070160091, 687.1870074920579, 5394.196021424751, 21213.794301586597, 39307.89580009271,
    28729.085735721943, 5226.495278852546,
  ],
] as const
const NEAR = [
  [
    1.4234371107496835, 4.630337846156546, 5.769497221460691, 3.6478483247632045, 1.2704582524523684,
    0.2417807251774506, 0.022723844989269184, 0.0007745450142783414,
  ],
  [
    1, 2.053191626637759, 1.6763848301838038, 0.6897673349851, 0.14810397642748008, 0.015198666563616457,
    0.0005475938084995345, 1.0507500716444169e-9,
  ],
] as const
const FAR = [
  [
    6.657904643501103, 5.463784911164114, 1.7848265399172913, 0.29656057182850487, 0.026532189526576124,
    0.0012426609473880784, 0.000027115555687434876, 2.0103343992922881e-7,
  ],
  [
    1, 0.599832206555888, 0.1369298809227358, 0.014875361290850615, 0.0007868691311456133, 0.000018463183175100548,
    1.421511758316446e-7, 2.0442631033899397e-15,
  ],
] as const

/**
 * Two-sided standard score of a confidence from 0 to below 1: 1.96 for 0.95. Half the rest lies beyond it on either
 * side, so it is the quantile of `1 - (1 - confidence) / 2`; taken from both ends no digit is lost.
 */
export function standardScore(confidence: number): number {
  const fromMiddle = confidence / 2
  if (fromMiddle <= 0.425) return fromMiddle * quotient(CENTRAL, 0.180625 - fromMiddle * fromMiddle)
  const r = Math.sqrt(-Math.log((1 - confidence) / 2))
  return r <= 5 ? quotient(NEAR, r - 1.6) : quotient(FAR, r - 5)
}

function quotient([above, below]: readonly [readonly number[], readonly number[]], x: number): number {
  return polynomial(above, x) / polynomial(below, x)
}

function polynomial(coefficients: readonly number[], x: number): number {
  return coefficients.reduceRight((sum, c) => sum * x + c, 0)
}
