using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Net.Http.Headers;
using Microsoft.Extensions.Logging;
using Sync.Contracts;

namespace Sync.Client.Writes;

/// <summary>Sends batches as <c>POST /v1/batch</c> and reads the answers as they stream in. A writer that cannot be reached
/// is left for the next one. Safe from any thread; the index of the current writer is the only state.</summary>
internal sealed class HttpBatchSender(HttpClient http, SyncClientOptions options, ILogger logger) : IBatchSender
{
    private const int AnswerBytesMax = 4 << 20;
    private static readonly MediaTypeHeaderValue Ndjson = new("application/x-ndjson");
    private readonly IReadOnlyList<Uri> _writers = options.WriterAddresses;
    private int _current;

    public async Task SendAsync(IReadOnlyList<PendingWrite> batch, CancellationToken cancellation)
    {
        var current = Volatile.Read(ref _current);
        var writer = _writers[current % _writers.Count];
        var sent = false;
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timeout.CancelAfter(options.RequestTimeout);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(writer, "/v1/batch"));
            var body = BatchRequest.Encode(batch);
            request.Content = new ReadOnlyMemoryContent(body) { Headers = { ContentType = Ndjson } };
            sent = true;
            using var response = await http
                .SendAsync(request, HttpCompletionOption.ResponseHeadersRead, timeout.Token).ConfigureAwait(false);
            await ReadAsync(response, batch, timeout.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception error) when (error is HttpRequestException or IOException or OperationCanceledException)
        {
            var reached = sent && error is not HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError };
            Fail(batch, writer, error is OperationCanceledException ? "no answer in time" : error.Message, reached);
            Interlocked.CompareExchange(ref _current, current + 1 & int.MaxValue, current);
        }
    }

    private async Task ReadAsync(HttpResponseMessage response, IReadOnlyList<PendingWrite> batch, CancellationToken cancellation)
    {
        var stream = await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
        if (response.StatusCode != HttpStatusCode.OK)
        {
            await RefuseAsync(response, stream, batch, cancellation).ConfigureAwait(false);
            return;
        }
        var reader = PipeReader.Create(stream, new StreamPipeReaderOptions(bufferSize: 64 << 10));
        try
        {
            for (var answered = 0; answered < batch.Count;)
            {
                var read = await reader.ReadAsync(cancellation).ConfigureAwait(false);
                var rest = read.Buffer;
                while (answered < batch.Count && TryReadLine(ref rest, out var line))
                {
                    if (line.Length > 0) BatchAnswer.Apply(line, batch[answered++]);
                }
                reader.AdvanceTo(rest.Start, rest.End);
                if (answered == batch.Count) break;
                if (rest.Length > AnswerBytesMax) throw new IOException($"an answer line has more than {AnswerBytesMax} bytes");
                if (read.IsCompleted) throw new IOException($"the answer ended after {answered} of {batch.Count} lines");
            }
        }
        finally
        {
            await reader.CompleteAsync().ConfigureAwait(false);
        }
    }

    // The request as a whole was refused before any line was read: nothing of it was committed.
    private async Task RefuseAsync(
        HttpResponseMessage response, Stream stream, IReadOnlyList<PendingWrite> batch, CancellationToken cancellation)
    {
        using var body = new MemoryStream();
        await stream.CopyToAsync(body, cancellation).ConfigureAwait(false);
        var refusal = BatchAnswer.ReadProblem(body.GetBuffer().AsSpan(0, (int)body.Length))
            ?? new Refusal(RefusalCode.MalformedRequest, $"the writer answered {(int)response.StatusCode}");
        var transient = refusal.IsTransient || (int)response.StatusCode >= 500;
        foreach (var write in batch)
        {
            if (transient) (write.LastRefusal, write.LastFailure) = (refusal, refusal.Detail);
            else write.Complete(new WriteResult.Refused(refusal));
        }
        if (transient) Log.BatchFailed(logger, response.RequestMessage!.RequestUri!, batch.Count, refusal.Detail);
    }

    private void Fail(IReadOnlyList<PendingWrite> batch, Uri writer, string reason, bool reached)
    {
        var open = 0;
        foreach (var write in batch)
        {
            if (write.Result.IsCompleted) continue;
            open++;
            write.LastFailure = reason;
            write.MayBeCommitted |= reached;
        }
        Log.BatchFailed(logger, writer, open, reason);
    }

    private static bool TryReadLine(ref ReadOnlySequence<byte> rest, out ReadOnlySequence<byte> line)
    {
        if (rest.PositionOf((byte)'\n') is not { } end)
        {
            line = default;
            return false;
        }
        line = rest.Slice(0, end);
        rest = rest.Slice(rest.GetPosition(1, end));
        return true;
    }
}
