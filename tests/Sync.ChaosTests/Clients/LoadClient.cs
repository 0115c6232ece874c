using System.Collections.Concurrent;
using System.Globalization;
using Sync.Client;
using Sync.Contracts;

namespace Sync.ChaosTests.Clients;

/// <summary>One load client: writes at a steady pace whatever becomes of earlier writes, and repeats each until its
/// outcome is known. Even numbers write through the client library, odd ones by plain HTTP. START HERE.</summary>
internal sealed class LoadClient
{
    // Writes that are under way; at the bound the pace waits, so a long outage costs no memory.
    private const int UnderWayMax = 600;
    private const int ChainKeys = 10;
    private const int ChainLength = 10;
    private const int TogetherCount = 8;
    private static readonly TimeSpan SettleMax = TimeSpan.FromSeconds(6);
    private static readonly TimeSpan ChainEvery = TimeSpan.FromSeconds(4);
    private readonly ConcurrentDictionary<SyncedKey, long> _heads = new();
    private readonly SemaphoreSlim _room = new(UnderWayMax);
    private readonly CancellationTokenSource _giveUp = new();
    private readonly ClientArguments _arguments;
    private readonly WriteLog _log;
    private readonly LoadPlan _plan;
    private readonly IWriteSender _sender;
    private readonly ChainLoad _chains;

    private LoadClient(ClientArguments arguments, WriteLog log, LoadPlan plan, IWriteSender sender, ChainLoad chains) =>
        (_arguments, _log, _plan, _sender, _chains) = (arguments, log, plan, sender, chains);

    public static async Task RunAsync(ClientArguments arguments, EventLog log, CancellationToken stop)
    {
        // A second life with the same seed must write other values: the hash tells the write.
        var life = MachineClock.Now.ToString("x", CultureInfo.InvariantCulture);
        using var http = new HttpClient(new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(2), UseProxy = false })
        { Timeout = TimeSpan.FromSeconds(5) };
        await using var patient = NewClient(arguments, TimeSpan.FromMinutes(2));
        await using var client = NewClient(arguments, TimeSpan.FromSeconds(8));
        var (plan, chainPlan, writes) = (
            new LoadPlan(arguments.Seed, arguments.Index, life),
            new LoadPlan(~arguments.Seed, arguments.Index, life + "c"), new WriteLog(log));
        var plain = new HttpSender(http, arguments.Writers);
        var histories = new HistoryLookup(http, arguments.Writers);
        var chains = arguments.Index % 2 == 0
            ? new ChainLoad(chainPlan, writes, histories, chain => ChainLoad.InOrderAsync(new SyncSender(patient), chain))
            : new ChainLoad(chainPlan, writes, histories, plain.SendAllAsync);
        IWriteSender sender = arguments.Index % 2 == 0 ? new SyncSender(client) : plain;
        await new LoadClient(arguments, writes, plan, sender, chains).RunAsync(stop);
    }

    private async Task RunAsync(CancellationToken stop)
    {
        var chained = ChainAsync(stop);
        // The chains' share of the writes is theirs.
        var ownPerSecond = (double)Load.WritesPerSecond / Load.Clients - ChainKeys * ChainLength / ChainEvery.TotalSeconds;
        using var pace = new PeriodicTimer(TimeSpan.FromSeconds(1 / ownPerSecond));
        while (await NextAsync(pace, stop))
        {
            if (File.Exists(_arguments.LoadPaused)) continue;
            await _room.WaitAsync(CancellationToken.None);
            var write = _plan.Next();
            _ = DriveAsync(_arguments.IsNewVersion && File.Exists(_arguments.NewMajor) ? write.InNewMajor() : write);
        }
        _giveUp.CancelAfter(SettleMax);
        for (var i = 0; i < UnderWayMax; i++) await _room.WaitAsync(CancellationToken.None);
        await chained;
    }

    private async Task ChainAsync(CancellationToken stop)
    {
        using var pace = new PeriodicTimer(ChainEvery);
        while (await NextAsync(pace, stop))
        {
            if (File.Exists(_arguments.LoadPaused)) continue;
            await _chains.WriteAsync(ChainKeys, ChainLength, _giveUp.Token);
        }
    }

    private static async Task<bool> NextAsync(PeriodicTimer pace, CancellationToken stop)
    {
        try { return await pace.WaitForNextTickAsync(stop); }
        catch (OperationCanceledException) { return false; }
    }

    private async Task DriveAsync(PlannedWrite write)
    {
        try
        {
            if (write.IsConditional && _heads.TryGetValue(write.Key, out var head)) write = write with { Expected = head };
            if (write.Shape == WriteShape.Together)
            {
                await Task.WhenAll(Enumerable.Range(0, TogetherCount).Select(_ => SettleAsync(write)));
                return;
            }
            var outcome = await SettleAsync(write);
            if (write.Shape == WriteShape.Reused && outcome.Ending == Ending.Committed) await SettleAsync(_plan.Reuse(write));
        }
        catch (ObjectDisposedException)
        {
            // The client is closed while a write of it is open: its outcome stays unknown in the log.
        }
        finally
        {
            _room.Release();
        }
    }

    /// <summary>Repeats a write with its idempotency key until it is settled or time is up.</summary>
    private async Task<Outcome> SettleAsync(PlannedWrite write)
    {
        for (var pause = TimeSpan.FromMilliseconds(100); ; pause = pause < TimeSpan.FromSeconds(1) ? pause * 2 : pause)
        {
            var attempt = _log.Invoke(write);
            var outcome = await _sender.SendAsync(write);
            _log.Ended(write, attempt, outcome);
            if (outcome.Ending == Ending.Committed)
                _heads.AddOrUpdate(write.Key, outcome.Receipt.Sequence, (_, _) => outcome.Receipt.Sequence);
            if (outcome.IsFinal || _giveUp.IsCancellationRequested) return outcome;
            await Task.Delay(pause, _giveUp.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static SyncClient NewClient(ClientArguments arguments, TimeSpan writeTimeout) => new(new SyncClientOptions
    {
        Writers = arguments.Writers,
        Producer = "chaos:" + arguments.Index.ToString(CultureInfo.InvariantCulture),
        WriteTimeout = writeTimeout,
        RequestTimeout = TimeSpan.FromSeconds(5),
    });
}
