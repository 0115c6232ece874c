using System.Security.Cryptography;
using System.Text;
using System.Threading.Channels;
using Sync.Client;
using Sync.Contracts;

namespace Sync.Cli.Import;

/// <summary>What an import did so far.</summary>
internal sealed class ImportCounts
{
    private long _lines, _committed, _replayed, _rejected;

    public long Lines => Interlocked.Read(ref _lines);
    public long Committed => Interlocked.Read(ref _committed);
    public long Replayed => Interlocked.Read(ref _replayed);
    public long Rejected => Interlocked.Read(ref _rejected);

    public void AddLine() => Interlocked.Increment(ref _lines);

    public void AddCommitted(bool replayed) => Interlocked.Increment(ref replayed ? ref _replayed : ref _committed);

    public void AddRejected() => Interlocked.Increment(ref _rejected);
}

/// <summary>A line that was not committed.</summary>
/// <param name="Number">Its number in the file, from 1.</param>
/// <param name="Line">The line as it was.</param>
/// <param name="Reason">What is wrong.</param>
internal sealed record RejectedLine(long Number, byte[] Line, string Reason);

/// <summary>Sends the lines of a source through the client in file order per key, with a bounded number under way. Each line's
/// idempotency key is made from its place and content, so a file imported twice commits nothing twice.</summary>
internal sealed class Importer(SyncClient client, Producer producer, int underWayMax)
{
    // One small number per distinct key of the file: the ordinal is part of the idempotency key. The file bounds it.
    private readonly Dictionary<SyncedKey, int> _ordinals = [];

    public ImportCounts Counts { get; } = new();

    /// <summary>Runs to the end of the source.</summary>
    /// <param name="source">The lines.</param>
    /// <param name="reject">Takes each bad line; called one at a time, in file order.</param>
    /// <param name="cancellation">Stops reading; what is under way is given up.</param>
    public async Task RunAsync(ImportSource source, Func<RejectedLine, Task> reject, CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var underWay = Channel.CreateBounded<(long Number, byte[] Line, Task<WriteResult>? Write, string? Error)>(underWayMax);
        var settling = SettleAsync(underWay.Reader, reject, stop);
        try
        {
            await foreach (var (number, line) in source.LinesAsync(stop.Token))
            {
                Counts.AddLine();
                var (command, error) = line.Length == 0
                    ? (null, $"the line has more than {ImportSource.LineBytesMax} bytes")
                    : ImportLine.Read(line, producer);
                var write = command is null ? null : client.WriteAsync(WithIdempotency(command, line), stop.Token);
                await underWay.Writer.WriteAsync((number, line, write, error), stop.Token);
            }
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // The settling side failed first; its error is the one to show.
        }
        finally
        {
            underWay.Writer.TryComplete();
            // Counts are final only when the settling side has ended, whatever ended the reading.
            await settling;
        }
    }

    private async Task SettleAsync(
        ChannelReader<(long Number, byte[] Line, Task<WriteResult>? Write, string? Error)> underWay,
        Func<RejectedLine, Task> reject,
        CancellationTokenSource stop)
    {
        try
        {
            await foreach (var (number, line, write, error) in underWay.ReadAllAsync(stop.Token))
            {
                var reason = error;
                if (write is not null)
                {
                    switch (await write)
                    {
                        case WriteResult.Committed committed: Counts.AddCommitted(committed.Replayed); break;
                        case WriteResult.Refused { Refusal.IsTransient: false } refused: reason = Explain(refused.Refusal); break;
                        case WriteResult.Refused refused: throw NoWriter(number, refused.Refusal.Detail);
                        case WriteResult.Unknown unknown: throw NoWriter(number, unknown.Reason);
                    }
                }
                if (reason is null) continue;
                Counts.AddRejected();
                await reject(new RejectedLine(number, line, reason));
            }
        }
        catch
        {
            await stop.CancelAsync();
            throw;
        }
    }

    // Not the line's fault: rejecting it, and all that follow, would hide that nobody takes writes.
    private static SyncException NoWriter(long number, string detail) =>
        new(SyncErrorCode.NoAnswer, $"line {number} has no receipt: {detail}; when a writer runs again, repeat the import: it goes on", true);

    private static string Explain(Refusal refusal) => $"{refusal.Code}: {refusal.Detail}";

    private WriteCommand WithIdempotency(WriteCommand command, byte[] line)
    {
        ref var ordinal = ref System.Runtime.InteropServices.CollectionsMarshal
            .GetValueRefOrAddDefault(_ordinals, command.Key, out _);
        ordinal++;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes($"{command.Key.Vault}\0{command.Key.Collection}\0{command.Key.Key}\0{ordinal}\0"));
        hash.AppendData(line.AsSpan().TrimEnd((byte)'\r'));
        return command with { IdempotencyKey = Convert.ToHexStringLower(hash.GetHashAndReset()) };
    }
}
