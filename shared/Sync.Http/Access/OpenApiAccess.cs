using System.Text.Json.Nodes;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using Sync.Access;
using Sync.Hosting;

namespace Sync.Http.Access;

/// <summary>What the OpenAPI document says of access: the scheme <c>bearer</c>, and at each operation its refusals,
/// <c>x-sync-action</c> (<c>read</c>, <c>write</c>, <c>status</c>, <c>admin</c> or <c>anonymous</c>) and <c>x-sync-target</c>
/// (<see cref="AccessRule.Reach"/>).</summary>
internal static class OpenApiAccess
{
    private const string Scheme = "bearer";

    private static readonly (string Status, string Text)[] Refusals =
    [
        ("400", "token-in-url"), ("401", "token-missing, token-invalid"), ("403", "forbidden, wrong-purpose"),
        ("503", "access-stale; with Retry-After"),
    ];

    public static void Add(OpenApiOptions options)
    {
        options.AddDocumentTransformer((document, _, _) =>
        {
            document.Components ??= new OpenApiComponents();
            document.Components.SecuritySchemes ??= new Dictionary<string, IOpenApiSecurityScheme>(StringComparer.Ordinal);
            document.Components.SecuritySchemes[Scheme] = new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.Http,
                Scheme = Scheme,
                Description = "A token of this system; not needed where access is open.",
            };
            return Task.CompletedTask;
        });
        options.AddOperationTransformer((operation, context, _) =>
        {
            var rule = context.Description.ActionDescriptor.EndpointMetadata.OfType<AccessRule>().LastOrDefault();
            if (rule is not null) Describe(operation, context.Document, rule);
            return Task.CompletedTask;
        });
    }

    private static void Describe(OpenApiOperation operation, OpenApiDocument? document, AccessRule rule)
    {
        operation.Extensions ??= new Dictionary<string, IOpenApiExtension>(StringComparer.Ordinal);
        var action = rule.Action is { } needed ? AccessScope.NameOf(needed) : "anonymous";
        operation.Extensions["x-sync-action"] = new JsonNodeExtension(JsonValue.Create(action));
        operation.Extensions["x-sync-target"] = new JsonNodeExtension(JsonValue.Create(rule.Reach));
        if (rule.Action is null) return;
        operation.Security =
        [
            new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(Scheme, document)] = [] },
        ];
        operation.Parameters ??= [];
        operation.Parameters.Add(new OpenApiParameter
        {
            Name = AccessProblems.PurposeHeader,
            In = ParameterLocation.Header,
            Description = "What the request is for; needed with a token that is for one purpose.",
            Schema = new OpenApiSchema { Type = JsonSchemaType.String },
        });
        operation.Responses ??= [];
        var answers = operation.Responses;
        foreach (var (status, text) in Refusals)
        {
            if (answers.TryGetValue(status, out var known)) known.Description += "; " + text;
            else answers[status] = new OpenApiResponse
            {
                Description = text,
                Content = new Dictionary<string, OpenApiMediaType>(StringComparer.Ordinal) { [Problem.MediaType] = new() },
            };
        }
        operation.Responses = [];
        foreach (var (status, answer) in answers.OrderBy(one => one.Key, StringComparer.Ordinal))
            operation.Responses[status] = answer;
    }
}
