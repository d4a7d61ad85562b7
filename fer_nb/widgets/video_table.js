// The reaction table in the browser, and quick means over any stretch of it.

const COLUMN = { time: 0, person: 1, x: 2, y: 3, w: 4, h: 5, emotion: 6, probs: 7, valence: 16, arousal: 17 };

/** First index in the sorted `list` whose value is not below `value`. */
function lowerBound(list, value) {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The reaction table in the browser: a block of float32, and running sums per person for quick means. */
function reactionTable(message, buffer) {
  const width = message.columns;
  // The view may start anywhere in its buffer; float32 needs a start divisible by four.
  const block = new Float32Array(buffer.buffer.slice(buffer.byteOffset, buffer.byteOffset + buffer.byteLength));
  const at = (row, column) => block[row * width + column];
  const rows = message.rows;
  const frames = []; // [time, first row, behind the last row]
  for (let row = 0; row < rows; row++) {
    const time = at(row, COLUMN.time);
    if (!frames.length || frames[frames.length - 1][0] !== time) frames.push([time, row, row + 1]);
    else frames[frames.length - 1][2] = row + 1;
  }
  const times = frames.map(([time]) => time);
  const signals = [...Array(9).keys()].map((i) => COLUMN.probs + i).concat(COLUMN.valence, COLUMN.arousal);
  const people = new Map();
  for (const id of message.people) {
    const own = [];
    for (let row = 0; row < rows; row++) if (at(row, COLUMN.person) === id) own.push(row);
    const sums = signals.map((column) => {
      const sum = new Float64Array(own.length + 1);
      own.forEach((row, i) => (sum[i + 1] = sum[i] + at(row, column)));
      return sum;
    });
    people.set(id, { rows: own, times: own.map((row) => at(row, COLUMN.time)), sums });
  }
  const slack = (time) => Math.max(1e-4, 1.2e-7 * time); // of a time in float32
  const step = times.length > 1 ? (times[times.length - 1] - times[0]) / (times.length - 1) : 0.04;
  return {
    times,
    step,
    people,
    /** The time of the frame before (-1) or after (1) that of `time`; undefined if not known. */
    neighbour(time, way) {
      if (!message.each) return undefined;
      const found = times[lowerBound(times, time + 2 * slack(time)) - 1 + way];
      // A little later, so that it is not the frame before for rounding.
      return found === undefined ? undefined : found + slack(found);
    },
    /** Mean of signal 0..10 (nine probabilities, valence, arousal) of a person between two times, or NaN. */
    mean(id, signal, from, to) {
      const { times: own, sums } = people.get(id);
      const [first, last] = [lowerBound(own, from), lowerBound(own, to)];
      return last > first ? (sums[signal][last] - sums[signal][first]) / (last - first) : NaN;
    },
    count(id, from, to) {
      const own = people.get(id).times;
      return lowerBound(own, to) - lowerBound(own, from);
    },
    /** The faces in the frame that was analysed last at `time`. */
    faces(config, time) {
      const index = lowerBound(times, time + slack(time)) - 1;
      if (index < 0 || time - times[index] > Math.max(0.5, 2 * step)) return [];
      const found = [];
      for (let row = frames[index][1]; row < frames[index][2]; row++) {
        if (at(row, COLUMN.person) < 0) continue;
        const [id, valence] = [at(row, COLUMN.person), at(row, COLUMN.valence)];
        found.push({
          id,
          x: at(row, COLUMN.x),
          y: at(row, COLUMN.y),
          w: at(row, COLUMN.w),
          h: at(row, COLUMN.h),
          emotion: config.emotions[at(row, COLUMN.emotion)],
          probs: [...Array(9).keys()].map((i) => at(row, COLUMN.probs + i)),
          valence,
          arousal: at(row, COLUMN.arousal),
          color: valenceColor(config, valence),
          tag: String(id),
          tagColor: personColor(config, id),
        });
      }
      for (const face of found) face.caption = caption(face);
      return found;
    },
  };
}
