using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using System.Threading.Channels;
using Sync.Contracts;
using Sync.Hosting;
using Sync.Http.Json;
using Sync.Ledger;
using Sync.Writer.Engine;
using Sync.Writer.Http;
using Sync.Writer.Json;

namespace Sync.Writer.Batch;

/// <summary>One streaming batch: reads lines and hands them on as they come, answers in the same order as they finish.
/// Lines that were read together and belong to one feed are one part: its owner and its sender are woken once for it, not
/// once a line. Two loops share one bounded queue of parts in flight: when it is full, reading stops, and the sender feels
/// it. The reading loop alone touches the request, the answering loop alone the response. A write that was handed on is
/// always awaited, also when the caller has gone: its result is then thrown away, the commit is not.</summary>
internal sealed class BatchRun
{
    private const int FlushBytes = 32 << 10;

    // One is answered, one waits for its place in the queue, two are in it: while some are committed, others are read.
    private const int PartsInFlight = 4;

    private readonly BatchIntake _intake;
    private readonly IWrites _writes;
    private readonly BatchLineReader _lines;
    private readonly PipeReader _input;
    private readonly PipeWriter _output;
    private readonly int _partLinesMax;
    private readonly Channel<Part> _inFlight;
    private LineFrames _frames;
    private readonly Dictionary<FeedId, WriteRoute> _routes = [];
    // Of writes whose feed could not be looked up: they have no route that would hold back those behind them.
    private readonly WriteOrder _unplaced = new();
    private string? _vault;
    private FeedId _feed;
    private Part _part = new();
    private volatile bool _allRead;

    /// <summary>Lines of one feed, and among them those that were refused at once.</summary>
    private sealed class Part
    {
        public List<Problem?> Lines { get; } = [];
        public List<WriteCommand> Commands { get; } = [];
        public FeedId Feed { get; set; }
        public int Bytes { get; set; }
        public Task<IReadOnlyList<WriteResult>> Results { get; set; } = Nothing;

        private static Task<IReadOnlyList<WriteResult>> Nothing { get; } = Task.FromResult<IReadOnlyList<WriteResult>>([]);
    }

    public BatchRun(BatchIntake intake, IWrites writes, BatchLineReader lines, int lineBytesMax, PipeReader input,
        PipeWriter output)
    {
        (_intake, _writes, _lines, _input, _output) = (intake, writes, lines, input, output);
        _frames = new LineFrames(lineBytesMax);
        _partLinesMax = Math.Max(1, intake.LinesMax / PartsInFlight);
        _inFlight = Channel.CreateBounded<Part>(new BoundedChannelOptions(PartsInFlight - 2)
        {
            SingleReader = true,
            SingleWriter = true,
            FullMode = BoundedChannelFullMode.Wait,
        });
    }

    /// <param name="stopping">Ends the reading; what was read is still answered.</param>
    /// <param name="aborted">The caller has gone.</param>
    /// <returns>True when every line was read and answered; false when the rest of the request must be cut
    /// off.</returns>
    public async Task<bool> RunAsync(CancellationToken stopping, CancellationToken aborted)
    {
        using var reading = CancellationTokenSource.CreateLinkedTokenSource(stopping, aborted);
        var answers = AnswerAsync(reading, aborted);
        var complete = false;
        try
        {
            complete = await ReadAsync(reading);
            // A last line without a line of the caller's says why the answers end before the request did.
            if (!complete) _part.Lines.Add(stopping.IsCancellationRequested ? Problems.ShuttingDown : BatchAnswers.Idle);
        }
        finally
        {
            await HandOnAsync();
            _allRead = true;
            _inFlight.Writer.Complete();
            await answers;
        }
        return complete;
    }

    private async Task<bool> ReadAsync(CancellationTokenSource reading)
    {
        try
        {
            while (true)
            {
                reading.CancelAfter(_intake.IdleTimeout);
                var read = await _input.ReadAsync(reading.Token);
                reading.CancelAfter(Timeout.InfiniteTimeSpan);
                var buffer = read.Buffer;
                while (_frames.TryRead(ref buffer, read.IsCompleted, out var line, out var tooLong))
                {
                    if (Take(line, tooLong) is { } unplaced) await PlaceAsync(unplaced, reading.Token);
                    if (_part.Lines.Count >= _partLinesMax) await HandOnAsync();
                    if (!_intake.IsOverBudget) continue;
                    await HandOnAsync();
                    await _intake.WaitForRoomAsync(reading.Token);
                }
                // The sender may wait for the answers of these before it sends more.
                await HandOnAsync();
                _input.AdvanceTo(buffer.Start, buffer.End);
                if (read.IsCompleted) return true;
            }
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    // The command is returned when its feed is not known yet.
    private WriteCommand? Take(ReadOnlySequence<byte> line, bool tooLong)
    {
        WriteCommand? command = null;
        var problem = tooLong
            ? CommonProblems.TooLarge("The line is over the limit; write its value in parts.")
            : _lines.TryRead(line, out command);
        if (problem is not null) Refuse(problem);
        // The reader hands out the same string for the same vault, so this mostly compares references.
        else if (command!.Key.Vault == _vault && _part.Feed == _feed) Add(command);
        else return command;
        return null;
    }

    private async ValueTask PlaceAsync(WriteCommand command, CancellationToken cancellation)
    {
        try
        {
            _feed = await _writes.FeedOfAsync(command.Key.Vault, cancellation);
            _vault = command.Key.Vault;
        }
        catch (SyncException error)
        {
            _unplaced.Note(command.Key, BatchAnswers.NotPlaced);
            Refuse(Problems.Of(error)!);
            return;
        }
        if (_part.Feed != _feed && _part.Commands.Count > 0) await HandOnAsync();
        _part.Feed = _feed;
        Add(command);
    }

    private void Refuse(Problem problem) => _part.Lines.Add(problem);

    private void Add(WriteCommand command)
    {
        if (_unplaced.IsBroken(command.Key))
        {
            Refuse(Problems.Of(WriteOrder.Refusal));
            return;
        }
        _intake.Enter(command.Value.Length);
        _part.Bytes += command.Value.Length;
        _part.Commands.Add(command);
        _part.Lines.Add(null);
    }

    // The answering loop always empties the queue, so this always ends.
    private async ValueTask HandOnAsync()
    {
        if (_part.Lines.Count == 0) return;
        var part = _part;
        _part = new Part { Feed = part.Feed };
        if (part.Commands.Count > 0)
        {
            if (!_routes.TryGetValue(part.Feed, out var route)) _routes[part.Feed] = route = new WriteRoute();
            part.Results = _writes.WriteAllAsync(part.Feed, part.Commands, route).AsTask();
        }
        if (!_inFlight.Writer.TryWrite(part)) await _inFlight.Writer.WriteAsync(part, CancellationToken.None);
    }

    private async Task AnswerAsync(CancellationTokenSource reading, CancellationToken aborted)
    {
        var buffer = new ArrayBufferWriter<byte>(4096);
        using var json = new Utf8JsonWriter(buffer, Scalars.Options);
        var gone = false;
        while (await _inFlight.Reader.WaitToReadAsync(CancellationToken.None))
        {
            while (_inFlight.Reader.TryRead(out var part))
            {
                // Whoever waits for a receipt before sending on gets what is ready; a request that is complete waits
                // for all.
                if (!gone && !_allRead && buffer.WrittenCount > 0 && !part.Results.IsCompleted)
                    gone = !await FlushAsync(buffer, aborted);
                var (results, failure) = await ResultsAsync(part);
                var written = 0;
                foreach (var problem in part.Lines)
                {
                    if ((problem ?? failure) is { } refused) refused.WriteTo(json);
                    else BatchAnswers.Write(json, results[written++]);
                    BatchAnswers.End(json, buffer);
                    if (!gone && buffer.WrittenCount >= FlushBytes) gone = !await FlushAsync(buffer, aborted);
                    if (gone) buffer.ResetWrittenCount();
                }
            }
            if (!gone && !_allRead) gone = !await FlushAsync(buffer, aborted);
            // Nobody reads the answers: reading on would only commit what nobody will hear of.
            if (gone) await reading.CancelAsync();
        }
        if (!gone) await FlushAsync(buffer, aborted);
    }

    private async ValueTask<(IReadOnlyList<WriteResult> Results, Problem? Failure)> ResultsAsync(Part part)
    {
        try
        {
            return (await part.Results, null);
        }
        catch (Exception error)
        {
            return ([], BatchAnswers.OfFailure(error));
        }
        finally
        {
            _intake.Leave(part.Bytes);
        }
    }

    private async ValueTask<bool> FlushAsync(ArrayBufferWriter<byte> buffer, CancellationToken aborted)
    {
        if (buffer.WrittenCount == 0) return true;
        try
        {
            await _output.WriteAsync(buffer.WrittenMemory, aborted);
            buffer.ResetWrittenCount();
            return true;
        }
        catch (Exception error) when (error is OperationCanceledException or IOException or InvalidOperationException)
        {
            return false;
        }
    }
}
