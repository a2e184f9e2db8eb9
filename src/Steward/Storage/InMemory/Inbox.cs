using Steward.Journal;

namespace Steward.Storage.InMemory;

/// <summary>The signals of one run that no append has applied yet, and the ids of all that ever came.</summary>
internal sealed class Inbox
{
    private readonly List<Signal> _pending = [];
    private HashSet<string>? _ids;

    public int Count => _pending.Count;

    public bool HasSeen(string id) => _ids?.Contains(id) == true;

    public void Add(Signal signal)
    {
        (_ids ??= new HashSet<string>(StringComparer.Ordinal)).Add(signal.Id);
        _pending.Add(signal);
    }

    public IReadOnlyList<Signal> ToArray() => _pending.Count > 0 ? _pending.ToArray() : [];

    /// <exception cref="ArgumentException">A signal is not there, or named twice.</exception>
    public void Check(IReadOnlyList<string> consumes, RunId run)
    {
        for (int i = 0; i < consumes.Count; i++)
        {
            string id = consumes[i];
            if (IndexOf(id) < 0 || FirstIndexOf(consumes, id) < i)
                throw Gate.NotInInbox(run, id);
        }
    }

    public void Consume(IReadOnlyList<string> consumes)
    {
        foreach (string id in consumes)
            _pending.RemoveAt(IndexOf(id));
    }

    private int IndexOf(string id)
    {
        for (int i = 0; i < _pending.Count; i++)
        {
            if (_pending[i].Id == id)
                return i;
        }

        return -1;
    }

    private static int FirstIndexOf(IReadOnlyList<string> ids, string id)
    {
        int at = 0;
        while (ids[at] != id)
            at++;
        return at;
    }
}
