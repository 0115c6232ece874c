using System.Globalization;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using Sync.Http.Access;

namespace Sync.Http;

/// <summary>Turns the <see cref="RouteDescription"/> of each route into OpenAPI.</summary>
public static class OpenApiDescriptions
{
    /// <summary>Describes the document and every operation whose route has a description as metadata.</summary>
    /// <param name="options">The document's options.</param>
    /// <param name="title">Title of the document.</param>
    /// <param name="text">Description of the document.</param>
    public static void Add(OpenApiOptions options, string title, string text)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.AddDocumentTransformer((document, _, _) =>
        {
            document.Info.Title = title;
            document.Info.Description = text;
            return Task.CompletedTask;
        });
        options.AddOperationTransformer((operation, context, _) =>
        {
            var description =
                context.Description.ActionDescriptor.EndpointMetadata.OfType<RouteDescription>().FirstOrDefault();
            if (description is not null) Describe(operation, description);
            return Task.CompletedTask;
        });
        OpenApiAccess.Add(options);
    }

    private static void Describe(OpenApiOperation operation, RouteDescription route)
    {
        operation.OperationId = route.Id;
        operation.Tags = null;
        operation.Summary = route.Summary;
        operation.Parameters = [.. route.Inputs.Select(input => new OpenApiParameter
        {
            Name = input.Name,
            In = Enum.Parse<ParameterLocation>(input.In, ignoreCase: true),
            Required = input.In == "path",
            Description = input.Text,
            Schema = new OpenApiSchema { Type = JsonSchemaType.String },
        })];
        if (route.Body.Length > 0)
            operation.RequestBody = new OpenApiRequestBody { Required = true, Content = ContentOf(route.Body) };
        operation.Responses = [];
        foreach (var answer in route.Answers)
            operation.Responses[answer.Status.ToString(CultureInfo.InvariantCulture)] =
                new OpenApiResponse { Description = answer.Text, Content = ContentOf(answer.MediaTypes) };
    }

    private static Dictionary<string, OpenApiMediaType> ContentOf(string[] mediaTypes) =>
        mediaTypes.ToDictionary(type => type, _ => new OpenApiMediaType(), StringComparer.Ordinal);
}
