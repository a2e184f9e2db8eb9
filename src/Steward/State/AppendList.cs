using System.Collections;

namespace Steward.State;

/// <summary>A list that only grows and never changes what is in it: appending gives a new list that shares the old one's storage.</summary>
/// <remarks>
/// A fold appends to its newest state in almost every step, so that append must be O(1); an immutable tree would cost a path per append.
/// Appending to a list that is no longer the newest copies it, so older states stay what they were.
/// </remarks>
internal sealed class AppendList<T> : IReadOnlyList<T>
{
    private readonly Buffer _buffer;

    private AppendList(Buffer buffer, int count)
    {
        _buffer = buffer;
        Count = count;
    }

    public static AppendList<T> Empty => new(new Buffer(), 0);

    /// <summary>A list of these items, whose array it takes over.</summary>
    public static AppendList<T> Of(T[] items) => new(new Buffer { Items = items, Used = items.Length }, items.Length);

    public int Count { get; }

    public T this[int index] => index < Count ? _buffer.Items[index] : throw new ArgumentOutOfRangeException(nameof(index));

    public AppendList<T> Add(T item)
    {
        Buffer buffer = _buffer;
        lock (buffer)
        {
            if (buffer.Used == Count)
            {
                if (buffer.Used == buffer.Items.Length)
                    Array.Resize(ref buffer.Items, Math.Max(8, buffer.Used * 2));
                buffer.Items[buffer.Used++] = item;
                return new AppendList<T>(buffer, Count + 1);
            }
        }

        var copy = new Buffer { Items = new T[Math.Max(8, Count * 2)], Used = Count + 1 };
        Array.Copy(buffer.Items, copy.Items, Count);
        copy.Items[Count] = item;
        return new AppendList<T>(copy, Count + 1);
    }

    public IEnumerator<T> GetEnumerator()
    {
        for (int i = 0; i < Count; i++)
            yield return _buffer.Items[i];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private sealed class Buffer
    {
        public T[] Items = [];
        public int Used;
    }
}
