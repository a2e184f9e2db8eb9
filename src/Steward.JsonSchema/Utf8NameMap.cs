using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace Steward.JsonSchemas;

/// <summary>Looks a member up by its name as it stands in the JSON text, so that the common case allocates nothing.</summary>
internal sealed class Utf8NameMap<T>
    where T : class
{
    private readonly int[] _buckets;
    private readonly (byte[] Name, T Value, int Next)[] _entries;

    public Utf8NameMap(IReadOnlyCollection<KeyValuePair<string, T>> source)
    {
        Names = [.. source.Select(pair => pair.Key)];
        _buckets = new int[Math.Max(1, (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)source.Count * 2))];
        _entries = new (byte[], T, int)[source.Count];
        int index = 0;
        foreach ((string key, T value) in source)
        {
            byte[] name = Encoding.UTF8.GetBytes(key);
            ref int bucket = ref _buckets[Bucket(name)];
            _entries[index] = (name, value, bucket);
            bucket = ++index;
        }
    }

    public IReadOnlyList<string> Names { get; }

    public T? Find(JsonProperty member)
    {
        if (_entries.Length == 0)
            return null;

        ReadOnlySpan<byte> raw = JsonMarshal.GetRawUtf8PropertyName(member);
        return raw.Contains((byte)'\\') ? Find(Encoding.UTF8.GetBytes(member.Name)) : Find(raw);
    }

    private T? Find(ReadOnlySpan<byte> name)
    {
        for (int i = _buckets[Bucket(name)]; i != 0; i = _entries[i - 1].Next)
        {
            ref (byte[] Name, T Value, int Next) entry = ref _entries[i - 1];
            if (name.SequenceEqual(entry.Name))
                return entry.Value;
        }

        return null;
    }

    private int Bucket(ReadOnlySpan<byte> name)
    {
        uint hash = 2166136261u;
        foreach (byte b in name)
            hash = (hash ^ b) * 16777619;
        return (int)(hash & (uint)(_buckets.Length - 1));
    }
}
