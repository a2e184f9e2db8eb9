using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Npgsql;
using Steward.Journal;
using Steward.Postgres.Data;
using Steward.Storage;

namespace Steward.Postgres;

/// <summary>Tells other nodes what was committed here, and hears what was committed there: NOTIFY and LISTEN.</summary>
/// <remarks>
/// Sent after the commit and outside its transaction. At a commit with a NOTIFY in it, PostgreSQL takes a lock on the whole
/// database, and the gate's commits would queue up behind each other. So a
/// hint may be lost between the two, or when many come at once; polling finds what it was about.
/// </remarks>
internal sealed class Hints : IAsyncDisposable
{
    private const int MostRuns = 200;
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(1);

    private readonly Database _database;
    private readonly ILogger _logger;
    private readonly string _channel;
    private readonly string _self;
    private readonly Channel<RunId?> _queue = Channel.CreateBounded<RunId?>(
        new BoundedChannelOptions(4_096) { FullMode = BoundedChannelFullMode.DropOldest });
    private readonly CancellationTokenSource _closing = new();
    private readonly Task _sending;

    public Hints(Database database, ILogger logger)
    {
        _database = database;
        _logger = logger;
        _channel = $"steward_{database.Sql.Schema}";
        _self = RunId.New(TimeProvider.System).ToString();
        _sending = Task.Run(SendAllAsync);
    }

    /// <summary>Says that a run may be claimable, has a signal, or has settled; null stands for any run.</summary>
    public void Send(RunId? run) => _queue.Writer.TryWrite(run);

    /// <summary>What other nodes say; null when anything may have been missed.</summary>
    public async IAsyncEnumerable<RunId?> ListenAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _closing.Token);
        Channel<RunId?> heard = Channel.CreateBounded<RunId?>(
            new BoundedChannelOptions(4_096) { FullMode = BoundedChannelFullMode.DropOldest });
        Task listening = Task.Run(() => HearAsync(heard.Writer, either.Token), CancellationToken.None);
        try
        {
            await foreach (RunId? run in heard.Reader.ReadAllAsync(CancellationToken.None))
                yield return run;
        }
        finally
        {
            await either.CancelAsync();
            await listening;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!_queue.Writer.TryComplete())
            return; // Closed before.
        await _closing.CancelAsync();
        await _sending;
        _closing.Dispose();
    }

    private async Task SendAllAsync()
    {
        List<RunId?> next = [];
        try
        {
            while (await _queue.Reader.WaitToReadAsync(_closing.Token))
            {
                while (next.Count < MostRuns && _queue.Reader.TryRead(out RunId? run))
                    next.Add(run);
                await NotifyAsync(next);
                next.Clear();
            }
        }
        catch (OperationCanceledException) when (_closing.IsCancellationRequested)
        {
            // What was not sent yet is found by polling.
        }
    }

    private async Task NotifyAsync(List<RunId?> runs)
    {
        string payload = $"{_self}:{(runs.Contains(null) ? "" : string.Join(',', runs.Distinct()))}";
        try
        {
            await _database.ReadAsync(tx => tx.ExecuteAsync("SELECT pg_notify($1, $2)", _channel, payload), _closing.Token);
        }
        catch (Storage.StoreException e)
        {
            Log.HintLost(_logger, e, _database.Name);
        }
    }

    /// <summary>Listens on a connection of its own, and on a new one when that breaks.</summary>
    private async Task HearAsync(ChannelWriter<RunId?> heard, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await using NpgsqlConnection connection = await _database.OpenSessionAsync(cancellationToken);
                connection.Notification += (_, e) => Hear(e.Payload, heard);
                await using (NpgsqlCommand listen = new($"LISTEN \"{_channel}\"", connection))
                    await listen.ExecuteNonQueryAsync(cancellationToken);
                heard.TryWrite(null);
                try
                {
                    while (true)
                        await connection.WaitAsync(cancellationToken);
                }
                catch (OperationCanceledException)
                {
                    // It goes back to the pool, where nobody listens.
                    await using NpgsqlCommand end = new("UNLISTEN *", connection);
                    await end.ExecuteNonQueryAsync(CancellationToken.None);
                    throw;
                }
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                break;
            }
            catch (Exception e) when (Database.IsDriver(e))
            {
                Log.NotListening(_logger, e, _database.Name);
                await Task.WhenAny(Task.Delay(s_pause, TimeProvider.System, cancellationToken));
            }
        }

        heard.TryComplete();
    }

    private void Hear(string payload, ChannelWriter<RunId?> heard)
    {
        if (payload.Split(':') is not [string sender, string runs] || sender == _self)
            return;
        foreach (string run in runs.Split(','))
            heard.TryWrite(RunId.TryParse(run, null, out RunId id) ? id : null);
    }
}
