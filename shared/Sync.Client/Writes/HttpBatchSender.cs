using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;
using System.Net;
using Microsoft.Extensions.Logging;
using Sync.Client.Internal;
using Sync.Contracts;

namespace Sync.Client.Writes;

/// <summary>Sends batches as <c>POST /v1/batch</c> and reads the answers as they stream in. A writer that does not answer, or
/// takes none of a batch, is left for the next one. Safe from any thread; the index of the current writer is the only state.</summary>
internal sealed class HttpBatchSender(HttpClient http, SyncClientOptions options, TimeProvider time, ILogger logger) : IBatchSender
{
    private const int AnswerLineBytesMax = 4 << 20;
    private const int ProblemBytesMax = 64 << 10;
    private const int LinksMax = 32;
    private readonly IReadOnlyList<Uri> _writers = options.WriterAddresses;
    private int _current;

    public async Task SendAsync(IReadOnlyList<PendingWrite> batch, CancellationToken cancellation)
    {
        var current = Volatile.Read(ref _current);
        var writer = _writers[current % _writers.Count];
        using var activity = Start(batch, writer);
        using var content = new BatchContent(BatchRequest.Encode(batch));
        // Starts anew with every part of the answer: a long batch that makes progress is not cut off.
        using var silence = new CancellationTokenSource(options.RequestTimeout, time);
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation, silence.Token);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(writer, "/v1/batch")) { Content = content };
            if (activity?.Id is { } traceParent) request.Headers.TryAddWithoutValidation("traceparent", traceParent);
            using var response = await http
                .SendAsync(request, HttpCompletionOption.ResponseHeadersRead, timeout.Token).ConfigureAwait(false);
            await ReadAsync(response, batch, silence, timeout.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            foreach (var write in batch) write.MayBeCommitted |= content.WasSent;
            throw;
        }
        catch (Exception error) when (LostConnection.Is(error) || error is OperationCanceledException)
        {
            var reason = error is OperationCanceledException ? $"no answer within {options.RequestTimeout}" : error.Message;
            activity?.SetStatus(ActivityStatusCode.Error, reason);
            Fail(batch, writer, reason, content.WasSent);
        }
        if (batch.All(write => !write.IsDone)) Interlocked.CompareExchange(ref _current, (current + 1) & int.MaxValue, current);
    }

    // The first write's caller is the parent; the others are linked, as many as a trace can show.
    private static Activity? Start(IReadOnlyList<PendingWrite> batch, Uri writer)
    {
        if (!ClientTelemetry.Activities.HasListeners()) return null;
        var links = batch.Skip(1).Where(write => write.Caller != default).Take(LinksMax).Select(write => new ActivityLink(write.Caller));
        var activity = ClientTelemetry.Activities.StartActivity(
            "sync.client.batch", ActivityKind.Client, batch[0].Caller, links: links);
        return activity?.SetTag("server.address", writer.Authority).SetTag("sync.batch.size", batch.Count);
    }

    private async Task ReadAsync(
        HttpResponseMessage response, IReadOnlyList<PendingWrite> batch, CancellationTokenSource silence, CancellationToken cancellation)
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
                silence.CancelAfter(options.RequestTimeout);
                var rest = read.Buffer;
                while (answered < batch.Count && TryReadLine(ref rest, out var line))
                {
                    if (line.Length > 0) BatchAnswer.Apply(line, batch[answered++]);
                }
                reader.AdvanceTo(rest.Start, rest.End);
                if (answered == batch.Count) break;
                if (rest.Length > AnswerLineBytesMax) throw new IOException($"an answer line has more than {AnswerLineBytesMax} bytes");
                if (read.IsCompleted) throw new IOException($"the answer ended after {answered} of {batch.Count} lines");
            }
        }
        finally
        {
            await reader.CompleteAsync().ConfigureAwait(false);
        }
    }

    // A problem of ours says that the request as a whole was refused before any line was read. Anything else from 500 on comes
    // from whatever stands between, and does not tell how far the request got.
    private async Task RefuseAsync(
        HttpResponseMessage response, Stream stream, IReadOnlyList<PendingWrite> batch, CancellationToken cancellation)
    {
        var status = (int)response.StatusCode;
        var body = new byte[ProblemBytesMax];
        var length = await stream.ReadAtLeastAsync(body, body.Length, false, cancellation).ConfigureAwait(false);
        var known = BatchAnswer.ReadProblem(body.AsSpan(0, length));
        var detail = known?.Detail ?? BatchAnswer.ReadProblemDetail(body.AsSpan(0, length)) ?? $"the writer answered {status}";
        if (known is null && status is >= 500 or 408 or 429) throw new IOException(detail);
        var refusal = known ?? new Refusal(RefusalCode.MalformedRequest, detail);
        foreach (var write in batch)
        {
            if (refusal.IsTransient) (write.LastRefusal, write.LastFailure) = (refusal, refusal.Detail);
            else write.Refuse(refusal);
        }
        if (refusal.IsTransient) Log.BatchFailed(logger, response.RequestMessage!.RequestUri!, batch.Count, refusal.Detail);
    }

    private void Fail(IReadOnlyList<PendingWrite> batch, Uri writer, string reason, bool reached)
    {
        var open = 0;
        foreach (var write in batch)
        {
            if (write.IsDone) continue;
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
