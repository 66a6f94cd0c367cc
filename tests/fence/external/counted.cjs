// A module with state.

let count = 0;
exports.next = () => (count += 1);
