using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using Sync.Contracts;
using Sync.Hosting;
using Sync.Http.Json;
using Sync.Ledger;
using Sync.Writer.Engine;
using Sync.Writer.Http;

namespace Sync.Writer.Batch;

/// <summary>A batch that says beforehand how long it is, and is short: its lines are read to the end, handed to the owner
/// of each feed together, and answered together. So one commit can hold them all, and neither the owner nor the sender is
/// woken for each line. Only its request touches it; lines beyond <see cref="BatchIntake.LinesMax"/> go in a further
/// part, when those before are answered.</summary>
internal sealed class WholeBatch(BatchIntake intake, IWrites writes, BatchLineReader lines, int lineBytesMax) : IDisposable
{
    /// <summary>Longest request that is read whole.</summary>
    public const int BytesMax = 256 << 10;

    private const int AnswerBytes = 400;

    private readonly int _linesMax = intake.LinesMax;
    private readonly List<Line> _lines = [];
    private readonly Dictionary<FeedId, FeedLines> _feeds = [];
    private readonly WriteOrder _unplaced = new();
    private LineFrames _frames = new(lineBytesMax);
    private RentedBytes? _answers;
    private string? _vault;
    private FeedLines? _feed;
    private int _bytes;

    private readonly record struct Line(Problem? Problem, FeedLines? Feed, int At);

    private sealed class FeedLines(FeedId feed)
    {
        public FeedId Feed => feed;
        public WriteRoute Route { get; } = new();
        public List<WriteCommand> Commands { get; } = [];
        public IReadOnlyList<WriteResult> Results { get; set; } = [];
        public Problem? Failure { get; set; }
    }

    /// <summary>What is to be sent.</summary>
    public ReadOnlyMemory<byte> Answers => _answers?.Written ?? default;

    /// <summary>Reads, commits and answers.</summary>
    /// <param name="input">The request's body.</param>
    /// <param name="stopping">Ends the reading; what was read is still committed.</param>
    /// <param name="aborted">The caller has gone.</param>
    /// <returns>False when the request was cut off before its end; the last answer says why.</returns>
    public async ValueTask<bool> RunAsync(PipeReader input, CancellationToken stopping, CancellationToken aborted)
    {
        for (var isComplete = false; !isComplete;)
        {
            if (!input.TryRead(out var read) && await ReadAsync(input, stopping, aborted) is var later)
            {
                if (later is null)
                {
                    await CommitAsync();
                    var why = stopping.IsCancellationRequested ? Problems.ShuttingDown : BatchAnswers.Idle;
                    Answer([new Line(why, null, 0)]);
                    return false;
                }
                read = later.Value;
            }
            var buffer = read.Buffer;
            while (_frames.TryRead(ref buffer, read.IsCompleted, out var line, out var tooLong))
            {
                var taken = Take(line, tooLong, out var unplaced);
                _lines.Add(unplaced is null ? taken : await PlaceAsync(unplaced, aborted));
                if (_lines.Count >= _linesMax) await CommitAsync();
            }
            input.AdvanceTo(buffer.Start, buffer.End);
            isComplete = read.IsCompleted;
        }
        await CommitAsync();
        return true;
    }

    public void Dispose() => _answers?.Dispose();

    private async ValueTask<ReadResult?> ReadAsync(
        PipeReader input, CancellationToken stopping, CancellationToken aborted)
    {
        using var reading = CancellationTokenSource.CreateLinkedTokenSource(stopping, aborted);
        reading.CancelAfter(intake.IdleTimeout);
        try
        {
            return await input.ReadAsync(reading.Token);
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    private Line Take(ReadOnlySequence<byte> line, bool tooLong, out WriteCommand? unplaced)
    {
        unplaced = null;
        if (tooLong)
            return Refused(CommonProblems.TooLarge("The line is over the limit; write its value in parts."));
        if (lines.TryRead(line, out var command) is { } problem) return Refused(problem);
        // The reader hands out the same string for the same vault, so this mostly compares references.
        if (command!.Key.Vault == _vault) return Add(_feed!, command);
        unplaced = command;
        return default;
    }

    private async ValueTask<Line> PlaceAsync(WriteCommand command, CancellationToken cancellation)
    {
        try
        {
            var feed = await writes.FeedOfAsync(command.Key.Vault, cancellation);
            if (!_feeds.TryGetValue(feed, out var found)) _feeds[feed] = found = new FeedLines(feed);
            (_vault, _feed) = (command.Key.Vault, found);
            return Add(found, command);
        }
        catch (SyncException error)
        {
            _unplaced.Note(command.Key, BatchAnswers.NotPlaced);
            return Refused(Problems.Of(error)!);
        }
    }

    private Line Add(FeedLines feed, WriteCommand command)
    {
        if (_unplaced.IsBroken(command.Key)) return Refused(Problems.Of(WriteOrder.Refusal));
        feed.Commands.Add(command);
        _bytes += command.Value.Length;
        return new Line(null, feed, feed.Commands.Count - 1);
    }

    private static Line Refused(Problem problem) => new(problem, null, 0);

    // Once handed over, a write is always awaited, also when the caller has gone.
    private async ValueTask CommitAsync()
    {
        if (_lines.Count == 0) return;
        if (intake.IsOverBudget) await intake.WaitForRoomAsync(CancellationToken.None);
        intake.Enter(_bytes);
        try
        {
            if (_feeds.Count == 1)
            {
                await WriteAsync(_feed!);
            }
            else
            {
                await Task.WhenAll(_feeds.Values.Select(feed => WriteAsync(feed).AsTask()));
            }
        }
        finally
        {
            intake.Leave(_bytes);
        }
        Answer(_lines);
        foreach (var feed in _feeds.Values) feed.Commands.Clear();
        _lines.Clear();
        _bytes = 0;
    }

    private async ValueTask WriteAsync(FeedLines feed)
    {
        feed.Failure = null;
        if (feed.Commands.Count == 0) return;
        try
        {
            feed.Results = await writes.WriteAllAsync(feed.Feed, feed.Commands, feed.Route);
        }
        catch (Exception error)
        {
            feed.Failure = BatchAnswers.OfFailure(error);
        }
    }

    private void Answer(List<Line> answered)
    {
        var output = _answers ??= new RentedBytes(answered.Count * AnswerBytes);
        using var json = new Utf8JsonWriter(output, Scalars.Options);
        foreach (var line in answered)
        {
            if ((line.Problem ?? line.Feed?.Failure) is { } problem) problem.WriteTo(json);
            else BatchAnswers.Write(json, line.Feed!.Results[line.At]);
            BatchAnswers.End(json, output);
        }
    }
}
