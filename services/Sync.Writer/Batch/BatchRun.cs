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

/// <summary>One streaming batch: reads lines and submits them as they come, answers in the same order as they finish.
/// Two loops share one bounded queue of lines in flight: when it is full, reading stops, and the sender feels it. The
/// reading loop alone touches the request, the answering loop alone the response. A write that was submitted is
/// always awaited, also when the caller has gone: its result is then thrown away, the commit is not.</summary>
internal sealed class BatchRun
{
    private const int FlushBytes = 32 << 10;

    private readonly BatchIntake _intake;
    private readonly IWrites _writes;
    private readonly BatchLineReader _lines;
    private readonly PipeReader _input;
    private readonly PipeWriter _output;
    private readonly Channel<InFlight> _inFlight;
    private LineFrames _frames;
    private readonly Dictionary<FeedId, WriteRoute> _routes = [];
    // Of writes whose feed could not be looked up: they have no route that would hold back those behind them.
    private readonly WriteOrder _unplaced = new();
    private string? _vault;
    private FeedId _feed;
    private WriteRoute _route = new();
    private volatile bool _allRead;

    /// <summary>A line that was read: refused at once, or on its way.</summary>
    private readonly record struct InFlight(Problem? Problem, ValueTask<WriteResult> Write, int Bytes);

    public BatchRun(BatchIntake intake, IWrites writes, BatchLineReader lines, int lineBytesMax, PipeReader input,
        PipeWriter output)
    {
        (_intake, _writes, _lines, _input, _output) = (intake, writes, lines, input, output);
        _frames = new LineFrames(lineBytesMax);
        _inFlight = Channel.CreateBounded<InFlight>(new BoundedChannelOptions(intake.LinesMax)
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
            if (!complete)
                await PostAsync(Refused(stopping.IsCancellationRequested ? Problems.ShuttingDown : BatchAnswers.Idle));
        }
        finally
        {
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
                    // Submitting does not wait unless the queue is full, so a whole buffer of lines becomes one group
                    // commit.
                    var taken = Take(line, tooLong, out var unplaced);
                    if (unplaced is not null) taken = await PlaceAsync(unplaced, reading.Token);
                    if (!_inFlight.Writer.TryWrite(taken)) await PostAsync(taken);
                    if (_intake.IsOverBudget) await _intake.WaitForRoomAsync(reading.Token);
                }
                _input.AdvanceTo(buffer.Start, buffer.End);
                if (read.IsCompleted) return true;
            }
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private InFlight Take(ReadOnlySequence<byte> line, bool tooLong, out WriteCommand? unplaced)
    {
        unplaced = null;
        if (tooLong)
            return Refused(CommonProblems.TooLarge("The line is over the limit; write its value in parts."));
        if (_lines.TryRead(line, out var command) is { } problem) return Refused(problem);
        // The reader hands out the same string for the same vault, so this mostly compares references.
        if (command!.Key.Vault == _vault) return Submit(_feed, command);
        unplaced = command;
        return default;
    }

    private async ValueTask<InFlight> PlaceAsync(WriteCommand command, CancellationToken cancellation)
    {
        try
        {
            _feed = await _writes.FeedOfAsync(command.Key.Vault, cancellation);
            _vault = command.Key.Vault;
            if (!_routes.TryGetValue(_feed, out var route)) _routes[_feed] = route = new WriteRoute();
            _route = route;
        }
        catch (SyncException error)
        {
            _unplaced.Note(command.Key, BatchAnswers.NotPlaced);
            return Refused(Problems.Of(error));
        }
        return Submit(_feed, command);
    }

    private static InFlight Refused(Problem? problem) => new(problem, default, 0);

    private InFlight Submit(FeedId feed, WriteCommand command)
    {
        if (_unplaced.IsBroken(command.Key)) return Refused(Problems.Of(WriteOrder.Refusal));
        _intake.Enter(command.Value.Length);
        return new InFlight(null, _writes.WriteAsync(feed, command, _route), command.Value.Length);
    }

    // The answering loop always empties the queue, so this always ends.
    private ValueTask PostAsync(InFlight line) => _inFlight.Writer.WriteAsync(line, CancellationToken.None);

    private async Task AnswerAsync(CancellationTokenSource reading, CancellationToken aborted)
    {
        var buffer = new ArrayBufferWriter<byte>(4096);
        using var json = new Utf8JsonWriter(buffer, Scalars.Options);
        var gone = false;
        while (await _inFlight.Reader.WaitToReadAsync(CancellationToken.None))
        {
            while (_inFlight.Reader.TryRead(out var line))
            {
                // Whoever waits for a receipt before sending on gets what is ready; a request that is complete waits
                // for all.
                if (!gone && !_allRead && buffer.WrittenCount > 0 && !line.Write.IsCompleted)
                    gone = !await FlushAsync(buffer, aborted);
                await WriteLineAsync(json, line);
                BatchAnswers.End(json, buffer);
                if (!gone && buffer.WrittenCount >= FlushBytes) gone = !await FlushAsync(buffer, aborted);
                if (gone) buffer.ResetWrittenCount();
            }
            if (!gone && !_allRead) gone = !await FlushAsync(buffer, aborted);
            // Nobody reads the answers: reading on would only commit what nobody will hear of.
            if (gone) await reading.CancelAsync();
        }
        if (!gone) await FlushAsync(buffer, aborted);
    }

    private async ValueTask WriteLineAsync(Utf8JsonWriter json, InFlight line)
    {
        if (line.Problem is { } problem)
        {
            problem.WriteTo(json);
            return;
        }
        try
        {
            BatchAnswers.Write(json, await line.Write);
        }
        catch (Exception error)
        {
            BatchAnswers.OfFailure(error).WriteTo(json);
        }
        finally
        {
            _intake.Leave(line.Bytes);
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
