using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Steward.Cli.Host;
using Steward.Cli.Rendering;
using Steward.Client;
using Steward.Declarative;
using Steward.Declarative.Stores;

namespace Steward.Cli.Tests.Commands;

/// <summary>Several <c>steward work</c> processes on one PostgreSQL database, with nothing else between them. The models are scripted.</summary>
public sealed class WorkersTests(ITestOutputHelper output)
{
    private const int Runs = 40;

    private const string ThreePayments = """
        turns:
          - when: { turn: 1 }
            delay: 150ms
            call: { tool: pay, arguments: { amount: 1 } }
          - when: { turn: 2 }
            delay: 150ms
            call: { tool: pay, arguments: { amount: 2 } }
          - when: { turn: 3 }
            delay: 150ms
            call: { tool: pay, arguments: { amount: 3 } }
          - say: Paid.
        """;

    [Fact]
    public async Task Work_OneIsKilledAndOneIsStopped_EveryRunEndsAndEveryPaymentIsMadeOnce()
    {
        await using PostgresFolder folder = await PostgresFolder.CreateAsync(ThreePayments, PostgresTests.Tools(approval: false));
        await folder.ExecuteAsync("CREATE TABLE paid (amount integer NOT NULL, token text NOT NULL)");
        await StartRunsAsync(folder, Runs);

        using CliProcess killed = Work(folder), stopped = Work(folder);
        await PaidAsync(folder, 10);
        await killed.KillAsync();
        await PaidAsync(folder, 40);
        stopped.Signal(CliProcess.Terminate);
        CliResult drained = await stopped.EndAsync();
        drained.Is(ExitCodes.Ok);
        // Nobody is alive now: what is still held is the killed one's; the stopped one gave everything back.
        Assert.InRange(await folder.ScalarAsync<long>("SELECT count(DISTINCT worker) FROM steward.run WHERE worker IS NOT NULL"), 0L, 1L);
        using CliProcess last = Work(folder, "--until-idle");
        (await last.EndAsync()).Is(ExitCodes.Ok);

        Assert.Equal((long)Runs, await folder.ScalarAsync<long>("SELECT count(*) FROM steward.run WHERE status = 'completed'"));
        Assert.Equal(3L * Runs, await folder.ScalarAsync<long>("SELECT count(*) FROM paid"));
        Assert.Equal(3L * Runs, await folder.ScalarAsync<long>("SELECT count(DISTINCT token) FROM paid"));
        long takenOver = await folder.ScalarAsync<long>("SELECT count(*) FROM steward.run WHERE epoch > 1");
        Assert.True(takenOver > 0, "No run was taken over: the kill came too late to say anything.");
        output.WriteLine($"{Runs} runs, {3 * Runs} payments, each once; {takenOver} runs were taken over.");
        Assert.Contains("every chain, payload and blob holds", (await folder.RunAsync("doctor", "--deep")).Output, StringComparison.Ordinal);
    }

    /// <summary>Fault N1: a process stands still for longer than its lease, others take its runs, and it wakes up again.</summary>
    [Fact]
    public async Task N1_OneIsFrozenAndWakesUp_WhatItLostIsNotDoneTwice()
    {
        await using PostgresFolder folder = await PostgresFolder.CreateAsync(ThreePayments, PostgresTests.Tools(approval: false));
        await folder.ExecuteAsync("CREATE TABLE paid (amount integer NOT NULL, token text NOT NULL)");
        await StartRunsAsync(folder, Runs);
        using CliProcess frozen = Work(folder);
        await PaidAsync(folder, 10);

        frozen.Signal(CliProcess.Stop);
        using CliProcess other = Work(folder, "--until-idle");
        await UntilAsync(async () => await folder.ScalarAsync<long>("SELECT count(*) FROM steward.run WHERE epoch > 1") > 0);
        frozen.Signal(CliProcess.Continue);
        (await other.EndAsync()).Is(ExitCodes.Ok);
        frozen.Signal(CliProcess.Terminate);
        (await frozen.EndAsync()).Is(ExitCodes.Ok);

        Assert.Equal((long)Runs, await folder.ScalarAsync<long>("SELECT count(*) FROM steward.run WHERE status = 'completed'"));
        Assert.Equal(3L * Runs, await folder.ScalarAsync<long>("SELECT count(*) FROM paid"));
        Assert.Equal(3L * Runs, await folder.ScalarAsync<long>("SELECT count(DISTINCT token) FROM paid"));
        output.WriteLine($"{await folder.ScalarAsync<long>("SELECT count(*) FROM steward.run WHERE epoch > 1")} runs of the frozen worker were taken over; {3 * Runs} payments, each once.");
        Assert.Contains("every chain, payload and blob holds", (await folder.RunAsync("doctor", "--deep")).Output, StringComparison.Ordinal);
    }

    /// <summary>Fault A1: a run that brings down whoever works on it is put before a person, and takes no further process with it.</summary>
    [Fact]
    public async Task A1_RunThatKillsItsWorkers_AwaitsAPerson()
    {
        using var trap = new TcpListener(IPAddress.Loopback, 0);
        trap.Start();
        string url = $"http://127.0.0.1:{((IPEndPoint)trap.LocalEndpoint).Port}/";
        await using PostgresFolder folder = await PostgresFolder.CreateAsync("turns: [{ when: { turn: 1 }, call: { tool: poison, arguments: {} } }, { say: Over. }]", _ => $$"""
            tools:
              - name: poison
                description: Brings its caller down.
                effect: read_only
                parameters: {}
                http: { method: GET, url: "{{url}}", allow_private_networks: true }
            """);
        await StartRunsAsync(folder, 1);

        int deaths = 0;
        while (true)
        {
            using CliProcess worker = Work(folder, "--until-idle");
            Task<CliResult> end = worker.EndAsync();
            Task<TcpClient> bite = trap.AcceptTcpClientAsync(TestContext.Current.CancellationToken).AsTask();
            if (await Task.WhenAny(end, bite) == end)
            {
                (await end).Is(ExitCodes.Ok);
                break;
            }

            (await bite).Dispose();
            await worker.KillAsync();
            await end;
            Assert.True(++deaths < 20, "The run brings down one worker after the other.");
        }

        JsonElement question = (await folder.JsonAsync("inbox")).GetProperty("questions")[0];
        Assert.Equal("quarantine", question.GetProperty("kind").GetString());
        output.WriteLine($"{deaths} workers died of it.");
        Assert.InRange(deaths, 5, 7);
        (await folder.RunAsync("resolve", "last", "--stop")).Is(ExitCodes.Ok);
    }

    private static CliProcess Work(PostgresFolder folder, params string[] more) => folder.Start(["work", ".", "--lease", "2", "--concurrency", "8", .. more]);

    private static Task PaidAsync(PostgresFolder folder, int count) => UntilAsync(async () => await folder.ScalarAsync<long>("SELECT count(*) FROM paid") >= count);

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        for (int i = 0; !await condition(); i++)
        {
            Assert.True(i < 3_000, "It never happened.");
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Starts runs without a worker.</summary>
    private static async Task StartRunsAsync(PostgresFolder folder, int count)
    {
        var quiet = new Output(TextWriter.Null, TextWriter.Null, colour: false, json: false);
        AgentFile file = AgentFile.Load(folder.Path, new AgentFileOptions());
        await using OpenStore store = await OpenStore.OpenAsync(StoreAddress.OfPostgres(folder.Store), quiet, TimeProvider.System);
        await using AgentHost host = AgentHost.Create(file, store.Store, quiet, TimeProvider.System);
        for (int i = 0; i < count; i++)
            await host.Client.StartAsync(file.Agent.Name, new RunRequest($"Pay {i}") { Tenant = $"t{i % 3}" }, TestContext.Current.CancellationToken);
    }
}
