using System.Numerics;
using System.Runtime.InteropServices;

namespace Steward.Models;

/// <summary>A set of words that is looked up once for every word of a text: open addressing, hashed eight bytes at a time.</summary>
internal sealed class WordSet
{
    private const ulong Mix = 0x9E37_79B9_7F4A_7C15;

    private readonly string?[] _slots;

    public WordSet(IReadOnlyCollection<string> words)
    {
        _slots = new string?[BitOperations.RoundUpToPowerOf2((uint)(words.Count * 2) + 1)];
        foreach (string word in words)
            _slots[Find(word)] = word;
    }

    public bool Contains(ReadOnlySpan<char> word) => _slots[Find(word)] is not null;

    /// <summary>The place of a word, or the free one where it would be; at least half of them are free.</summary>
    private int Find(ReadOnlySpan<char> word)
    {
        int last = _slots.Length - 1;
        int at = (int)(Hash(word) >> 33) & last;
        while (_slots[at] is { } other && !word.SequenceEqual(other))
            at = (at + 1) & last;
        return at;
    }

    private static ulong Hash(ReadOnlySpan<char> word)
    {
        ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(word);
        ulong hash = (ulong)bytes.Length;
        for (; bytes.Length >= sizeof(ulong); bytes = bytes[sizeof(ulong)..])
        {
            hash = (hash ^ MemoryMarshal.Read<ulong>(bytes)) * Mix;
            hash ^= hash >> 32;
        }

        foreach (char rest in MemoryMarshal.Cast<byte, char>(bytes)) // Three at most.
            hash = (hash << 16) ^ (hash >> 48) ^ rest;
        return hash * Mix;
    }
}
