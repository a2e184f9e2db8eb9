using Steward.Journal;
using Steward.Postgres.Data;
using Steward.Postgres.Tables;
using Steward.Storage;

namespace Steward.Postgres.Operations;

/// <summary>New runs in a single trip to the server, which is a transaction by itself. A run of a session, one whose
/// key or id is there already, and all while a queue is limited go the other way, <see cref="Starts"/>.</summary>
internal static class StartsAtOnce
{
    /// <returns>For each start its answer, or the exception that says that nobody knows. Null where nothing has happened.</returns>
    public static async Task<object?[]> TryAsync(Database database, NodeCache cache, IReadOnlyList<RunStart> group, int inlinePayload)
    {
        var answers = new object?[group.Count];
        Control control = await cache.ControlAsync();
        RunStart[] plain = control.Limits.LimitsQueue ? [] : [.. group.Where(start => start.Started.Session is null)];
        if (plain.Length == 0)
            return answers;
        HashSet<RunId> made = [];
        UnknownCommitException? unknown = null;
        try
        {
            bool done = await database.TryAtOnceAsync(trip =>
            {
                made.Clear();
                control.Confirm(trip);
                Insert(trip, plain, made, inlinePayload);
            });
            if (!done)
            {
                cache.ForgetControl();
                return answers;
            }
        }
        catch (UnknownCommitException e)
        {
            unknown = e;
        }

        for (int i = 0; i < answers.Length; i++)
        {
            if (unknown is not null)
                answers[i] = plain.Contains(group[i]) ? unknown : null;
            else if (made.Contains(group[i].Run))
                answers[i] = new StartResult(group[i].Run, Created: true);
        }

        return answers;
    }

    private static void Insert(RoundTrip trip, RunStart[] starts, HashSet<RunId> made, int inlinePayload)
    {
        RunStarted[] started = [.. starts.Select(s => s.Started)];
        SortedDictionary<string, byte[]> content = new(StringComparer.Ordinal);
        foreach (RunStart start in starts)
        {
            if (start.Definition is { } definition)
                content.TryAdd(definition.Hash, EventRows.Bytes(definition.Content));
        }

        (Guid Run, JournalEntry Entry)[] entries =
            [.. starts.SelectMany(s => s.Copied.Prepend(s.Entry).Select(entry => (s.Run.Value, entry)))];
        foreach ((_, JournalEntry entry) in entries)
            EventRows.KeepLarge(entry, inlinePayload, content);
        if (content.Count > 0)
            EventRows.Keep(trip, content);
        byte[][] named =
            [.. started.Select(s => s.DefinitionHash)
                .Where(hash => Blob.IsHash(hash) && !content.ContainsKey(hash))
                .Distinct()
                .Order(StringComparer.Ordinal)
                .Select(Convert.FromHexString)];
        if (named.Length > 0)
            EventRows.Name(trip, named);
        trip.Ask(
            $$"""
            WITH n AS MATERIALIZED (SELECT steward.now() AS at),
            made AS (
                INSERT INTO steward.run (uuid, tenant, user_name, agent, version, client_key, status, reason,
                    head, head_hash, claimable_at, created_at, updated_at, ancestors, queued, labels)
                SELECT u.uuid, u.tenant, u.user_name, u.agent, u.version, u.key, {{StatusSql.Begun}},
                    u.head, u.head_hash, n.at, n.at, n.at,
                    CASE u.ancestors WHEN '' THEN '{}' ELSE string_to_array(u.ancestors, ',')::uuid[] END, false, u.labels::jsonb
                FROM n, unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
                        $7::bigint[], $8::bytea[], $9::text[], $22::text[])
                    AS u (uuid, tenant, user_name, agent, version, key, head, head_hash, ancestors, labels)
                ON CONFLICT DO NOTHING
                RETURNING id, uuid),
            entered AS (
                INSERT INTO steward.event (run, seq, type, time, hash, payload_hash, payload)
                SELECT m.id, e.seq, e.type, e.time, e.hash, e.payload_hash, e.payload
                FROM unnest($10::uuid[], $11::bigint[], $12::text[], $13::timestamptz[], $14::bytea[], $15::bytea[], $16::bytea[]) AS e (uuid, seq, type, time, hash, payload_hash, payload)
                    JOIN made m ON m.uuid = e.uuid),
            ruled AS (
                INSERT INTO steward.budget (scope, max_models, max_tools, max_tokens, max_usd)
                SELECT c.scope, c.models, c.tools, c.tokens, c.usd
                FROM unnest($1::uuid[], $17::text[], $18::bigint[], $19::bigint[], $20::bigint[], $21::numeric[]) AS c (uuid, scope, models, tools, tokens, usd) JOIN made m ON m.uuid = c.uuid
                ON CONFLICT (scope) DO UPDATE SET max_models = excluded.max_models, max_tools = excluded.max_tools, max_tokens = excluded.max_tokens, max_usd = excluded.max_usd)
            SELECT uuid FROM made
            """,
            r => made.Add(new RunId(r.GetGuid(0))),
            Of(s => s.Run.Value), OfStarted(s => s.Tenant), OfStarted(s => s.User), OfStarted(s => s.Agent), OfStarted(s => s.AgentVersion),
            OfStarted(s => s.Key),
            Of(s => s.Last.Sequence), Of(s => EventRows.Bytes(s.Last.Hash)),
            OfStarted(s => string.Join(',', (s.Parent?.Ancestors ?? []).Select(a => a.Value))),
            Entered(e => e.Run), Entered(e => e.Entry.Sequence), Entered(e => e.Entry.Type), Entered(e => e.Entry.Time.UtcDateTime),
            Entered(e => EventRows.Bytes(e.Entry.Hash)),
            Entered(e => EventRows.Bytes(e.Entry.PayloadHash)), Entered(e => EventRows.InlineOf(e.Entry, inlinePayload)),
            Of(s => BudgetScope.ForRun(s.Run).Key), OfStarted(s => s.Ceilings.ModelCalls), OfStarted(s => s.Ceilings.ToolCalls),
            OfStarted(s => s.Ceilings.Tokens), OfStarted(s => s.Ceilings.Usd), OfStarted(s => StoreJson.Write(s.Labels)));

        T[] Of<T>(Func<RunStart, T> column) => Array.ConvertAll(starts, s => column(s));
        T[] OfStarted<T>(Func<RunStarted, T> column) => Array.ConvertAll(started, s => column(s));
        T[] Entered<T>(Func<(Guid Run, JournalEntry Entry), T> column) => Array.ConvertAll(entries, e => column(e));
    }
}
