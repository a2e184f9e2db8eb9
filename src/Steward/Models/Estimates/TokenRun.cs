namespace Steward.Models;

/// <summary>The most tokens that a run of bytes can become, byte by byte, by what both vocabularies join.</summary>
/// <remarks>
/// Byte-pair encoding ends when no two neighbours make a token. So of all ways to cut the run into tokens, only those count where no two
/// neighbours are known to make one; the greatest number of tokens among them is a bound. Tokens are told apart by their length: one byte,
/// two, or more. Neighbours on two sides of a gap that may be a border of the vocabularies' pieces are free, and a token may reach over it.
/// </remarks>
internal struct TokenRun(SharedVocabulary vocabulary)
{
    private const int None = int.MinValue / 2;

    // The most tokens of the bytes so far when the last token has one byte, two, or more; the same one byte ago; and any, two bytes ago.
    private Ends _now = Ends.Start;
    private Ends _before = Ends.Nothing;
    private int _earlier = None;
    private byte _last;
    private byte _beforeLast;
    private bool _lastIsFree;
    private int _length;

    /// <summary>The most tokens of the bytes so far.</summary>
    public readonly int Most => _now.Any;

    /// <summary>Adds a byte.</summary>
    /// <param name="next">The byte.</param>
    /// <param name="isFree">Whether a border of pieces may stand before it.</param>
    public void Add(byte next, bool isFree)
    {
        bool pair = _length > 0 && vocabulary.HasPair(_last, next);
        bool triple = _length > 1 && vocabulary.HasTriple(_beforeLast, _last, next);
        int one = isFree || _length == 0
            ? _now.Any
            : Math.Max(_now.More, Math.Max(pair ? None : _now.One, triple ? None : _now.Two));
        int two = _lastIsFree || _length < 2
            ? _before.Any
            : Math.Max(_before.More, Math.Max(triple ? None : _before.One, _before.Two));
        // A longer token may start at its third byte from the end, or go on from a byte ago.
        int more = Math.Max(_earlier + 1, _now.More > 0 ? _now.More : None);
        _earlier = _before.Any;
        _before = _now;
        _now = new Ends(one + 1, two + 1, more);
        _beforeLast = _last;
        _last = next;
        _lastIsFree = isFree;
        _length++;
    }

    private readonly struct Ends(int one, int two, int more)
    {
        public static Ends Start { get; } = new(None, None, 0);

        public static Ends Nothing { get; } = new(None, None, None);

        public int One { get; } = one;

        public int Two { get; } = two;

        public int More { get; } = more;

        /// <summary>The most of all three, worked out once.</summary>
        public int Any { get; } = Math.Max(one, Math.Max(two, more));
    }
}
