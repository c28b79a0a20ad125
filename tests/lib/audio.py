"""Is this sentence in that recording? Normalised cross-correlation of two WAV files.

Where the sentence begins in the recording is what most of its seconds say, each searched in the whole of it. Then it is cut into
stretches of a quarter of a second, and each is searched around its place only: a jitter buffer may drop or insert a frame several
times a second when the machine is busy, and a stretch that is longer than it is left alone matches nothing well. The figure is the
median over the stretches of the best correlation coefficient: 1.0 is the very same samples, a codec costs some, another sentence
stays far below.
"""

import sys
import wave

import numpy as np

RATE = 8000
SECOND = RATE
STRETCH = RATE // 4
DRIFT = 3 * RATE // 10  # a jitter buffer holds 200 ms at most
PRESENT = 0.60  # at or above: the sentence is there
ABSENT = 0.45  # at or below: it is not; between the two nothing is claimed


def read_wav(path):
    """Mono samples as floats at 8 kHz."""
    with wave.open(str(path), "rb") as wav:
        rate, channels, width = wav.getframerate(), wav.getnchannels(), wav.getsampwidth()
        if width != 2:
            raise ValueError(f"{path}: only 16-bit WAV files are understood")
        samples = np.frombuffer(wav.readframes(wav.getnframes()), dtype="<i2").astype(np.float64)
    return resample(samples.reshape(-1, channels).mean(axis=1), rate)


def resample(samples, rate):
    """To 8 kHz through the spectrum: what lies above 4 kHz is cut off, nothing is aliased."""
    if rate == RATE or len(samples) == 0:
        return samples
    n = int(round(len(samples) * RATE / rate))
    spectrum = np.fft.rfft(samples)
    wanted = np.zeros(n // 2 + 1, dtype=complex)
    m = min(len(wanted), len(spectrum))
    wanted[:m] = spectrum[:m]
    return np.fft.irfft(wanted, n) * (n / len(samples))


def best_match(stretch, recording):
    """The largest correlation coefficient of the stretch with any part of the recording of its length, and where that is."""
    n = len(stretch)
    if len(recording) < n:
        return 0.0, 0
    stretch = stretch - stretch.mean()
    size = 1 << (len(recording) + n - 1).bit_length()
    products = np.fft.irfft(np.fft.rfft(recording, size) * np.conj(np.fft.rfft(stretch, size)), size)
    products = products[: len(recording) - n + 1]
    sums = np.concatenate(([0.0], np.cumsum(recording)))
    squares = np.concatenate(([0.0], np.cumsum(recording**2)))
    total = sums[n:] - sums[:-n]
    energy = squares[n:] - squares[:-n] - total**2 / n
    scale = np.sqrt(np.maximum(energy, 1e-9) * (stretch**2).sum())
    # A part that is as good as silent matches nothing, however its rounding noise looks.
    audible = energy > n * 100.0
    figures = np.where(audible, products / np.maximum(scale, 1e-9), 0.0)
    return float(figures.max()), int(figures.argmax())


def audible_stretches(sentence, length):
    """Where they begin."""
    return [at for at in range(0, len(sentence) - length + 1, length) if sentence[at : at + length].std() > 100.0]


def find_start(sentence, recording):
    """Where in the recording the sentence begins, if it is there."""
    seconds = audible_stretches(sentence, SECOND)
    return int(np.median([best_match(sentence[at : at + SECOND], recording)[1] - at for at in seconds])) if seconds else 0


def correlation(sentence, recording):
    """Median over the audible stretches of the sentence; 0.0 if there is none."""
    start = find_start(sentence, recording)
    figures = [
        best_match(sentence[at : at + STRETCH], recording[max(0, start + at - DRIFT) : max(0, start + at + STRETCH + DRIFT)])[0]
        for at in audible_stretches(sentence, STRETCH)
    ]
    return float(np.median(figures)) if figures else 0.0


def correlate_files(sentence, recording):
    return correlation(read_wav(sentence), read_wav(recording))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: audio.py SENTENCE.wav RECORDING.wav")
    figure = correlate_files(sys.argv[1], sys.argv[2])
    print(f"{figure:.3f}")
    sys.exit(0 if figure >= PRESENT else 1)
