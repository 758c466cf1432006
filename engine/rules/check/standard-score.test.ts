import { expect, test } from 'vitest'
import { standardScore } from './standard-score.ts'

// To 60 digits by erfc (mpmath), then as the nearest double.
test.each([
  [0.5, 0.6744897501960817],
  [0.8, 1.2815515655446004],
  [0.85, 1.439531470938456],
  [0.8500000001, 1.4395314712916745],
  [0.9, 1.6448536269514729],
  [0.95, 1.9599639845400538],
  [0.98, 2.3263478740408408],
  [0.99, 2.5758293035489004],
  [0.995, 2.807033768343804],
  [0.999, 3.2905267314918945],
  [0.9999, 3.890591886413121],
  [0.999999, 4.891638475692932],
  [1 - 2 ** -53, 8.292361075813595],
])('%f', (confidence, z) => expect(Math.abs(standardScore(confidence) / z - 1)).toBeLessThan(4e-16))
