using System.Net;
using System.Net.Http.Headers;

namespace Sync.Client.Writes;

/// <summary>The body of a batch. It knows whether it was handed to a connection: before that nothing can have been committed,
/// whatever the request failed with.</summary>
internal sealed class BatchContent : HttpContent
{
    private static readonly MediaTypeHeaderValue Ndjson = new("application/x-ndjson");
    private readonly ReadOnlyMemory<byte> _body;
    private volatile bool _wasSent;

    public BatchContent(ReadOnlyMemory<byte> body)
    {
        _body = body;
        Headers.ContentType = Ndjson;
    }

    public bool WasSent => _wasSent;

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        _wasSent = true;
        return stream.WriteAsync(_body, cancellationToken).AsTask();
    }

    protected override bool TryComputeLength(out long length)
    {
        length = _body.Length;
        return true;
    }
}
