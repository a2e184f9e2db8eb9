using Npgsql;

namespace Steward.Postgres.Data;

/// <summary>Statements for one round trip to the server, each with what is done with its rows.</summary>
internal sealed class RoundTrip(Sql sql, NpgsqlBatch batch, CancellationToken cancellationToken) : IAsyncDisposable
{
    private readonly List<Action<NpgsqlDataReader>?> _asked = [];

    public Sql Sql => sql;

    /// <summary>Whether all rows of all statements were read: what then still fails is the commit.</summary>
    public bool IsAnswered { get; private set; }

    /// <summary>Adds a statement that returns no rows.</summary>
    public void Do(string text, params object?[] values)
    {
        NpgsqlBatchCommand command = new(sql.Of(text));
        Tx.Bind(command.Parameters, values);
        batch.BatchCommands.Add(command);
    }

    /// <summary>Adds a statement that returns rows.</summary>
    /// <param name="text">The statement.</param>
    /// <param name="row">Called for each row; null where they say nothing.</param>
    /// <param name="values">Its parameters.</param>
    public void Ask(string text, Action<NpgsqlDataReader>? row, params object?[] values)
    {
        Do(text, values);
        _asked.Add(row);
    }

    /// <summary>Makes the trip. Outside of a transaction the statements are one by themselves, and committed when this returns.</summary>
    public async Task SendAsync()
    {
        if (batch.BatchCommands.Count == 0)
            return;
        await using NpgsqlDataReader reader = await batch.ExecuteReaderAsync(cancellationToken);
        for (int i = 0; i < _asked.Count; i++)
        {
            if (i > 0)
                await reader.NextResultAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
                _asked[i]?.Invoke(reader);
        }

        IsAnswered = true;
        while (await reader.NextResultAsync(cancellationToken))
        {
            // To the very end: the commit's own answer comes after the last row.
        }
    }

    public ValueTask DisposeAsync() => batch.DisposeAsync();
}
